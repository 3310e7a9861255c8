"""`python -m src.repeat --folds 5`: cross-validation over patients, as set under `repeat` in params.yaml."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core import console, files
from src.core.errors import AssayError
from src.core.paths import PREPARED, PROBE, RAW, REPEATED, SPLIT, Bundle, Evaluation, ModelFiles
from src.executors.workers import Workers, add_options, count

if TYPE_CHECKING:  # imported later otherwise, so that --help does not wait for it
    from src.config import Params

ENSEMBLE = Path("build/ensemble")
EPILOG = """\
every image is predicted by models that were not trained on its patient. The test part is used only with --over all or
--test. Ctrl-C stops it; run the same command to continue, also after a crash.

examples:
  python -m src.repeat                              as set under repeat in params.yaml
  python -m src.repeat --folds 5 --seeds 3          15 trainings of the network in params.yaml
  python -m src.repeat --model probe                a logistic regression on frozen features, in seconds
  python -m src.repeat --refit 3                    no inner val part; the ensemble: 3 networks trained on all images
  python -m src.repeat --test                       score the ensemble on the test part, and export it
"""


def main() -> None:
    """Check the options and run the command."""
    asked = _parser().parse_args()
    from src import config

    params = config.load()
    if asked.test:
        test(params)
        return
    chosen = {name: value for name in config.Repeat.model_fields if (value := getattr(asked, name)) is not None}
    workers = Workers.asked(asked, params.train.threads, usual=1)
    content = params.model_dump(mode="json")
    content |= {"repeat": content["repeat"] | chosen, "train": content["train"] | {"threads": workers.threads}}
    params = config.parse(content, "python -m src.repeat")
    if asked.refit and (params.repeat.model == "probe" or params.train.schedule.name == "plateau"):
        wanted = "repeat.model: network, and a schedule other than plateau (which needs a val part)"
        raise AssayError(f"--refit: expected {wanted}")
    from src.repeat import stage

    stage.run(params, workers.start, refit=asked.refit)


def test(params: "Params") -> None:
    """Score the ensemble on the test part and export it, as the stages evaluate and export do, into build/ensemble.

    Raises:
        AssayError: there is no ensemble, or it was trained on the test part.
    """
    from src.evaluate import stage as evaluate
    from src.export import stage as export
    from src.predict import application

    model = ModelFiles(REPEATED.ensemble)
    if not model.model.is_file():
        raise AssayError(f"{model.model}: not found; run `python -m src.repeat` with --model network")
    if files.read_json(REPEATED.scores)["over"] != "train-val":
        again = "run `python -m src.repeat --over train-val`"
        raise AssayError(f"{model.model}: it was trained on the test part too; {again}")
    out, bundle = Evaluation(ENSEMBLE / "evaluation"), Bundle(ENSEMBLE / "bundle")
    inputs = evaluate.Inputs(RAW, PREPARED, SPLIT, model, PROBE, model.out_of_fold)
    evaluate.run(inputs, out, params.evaluate, params.seed, params.preprocess.shape, params.for_report())
    export.run(export.Inputs(PREPARED, SPLIT, model, out), bundle, params.export, export.Setting.of(params))
    application.write(bundle)
    console.say(f"report: {out.report}; bundle: {bundle.folder}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m src.repeat",
        description="Cross-validation: train and score on every fold of the images, over several seeds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add: Any = parser.add_argument
    add("--folds", type=int, metavar="N", help="number of folds (default: repeat.folds)")
    add("--seeds", type=int, metavar="N", help="number of trainings of each fold (default: repeat.seeds)")
    add("--over", choices=("train-val", "all"), help="images (default: repeat.over); all includes the test part")
    add("--model", choices=("network", "probe"), help="what is trained (default: repeat.model)")
    add_options(parser, workers="trainings at once (default: 1); the weights depend on it")
    add("--refit", type=count, default=0, metavar="N", help="train the ensemble on all images, all epochs: N networks")
    add("--test", action="store_true", help="train nothing: score the ensemble on the test part and export it")
    return parser


if __name__ == "__main__":
    console.run(main)
