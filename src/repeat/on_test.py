"""The ensemble of the folds through the stages evaluate and export, whose outputs go beside it."""

from pathlib import Path

from src.config import Params, source_name
from src.core import console, files
from src.core.errors import AssayError
from src.core.paths import PREPARED, PROBE, RAW, REPEATED, SPLIT, Bundle, Evaluation, ModelFiles
from src.evaluate import stage as evaluate
from src.export import stage as export
from src.predict import application

FOLDER = Path("build/ensemble")


def run(params: Params) -> None:
    """Score the ensemble on the test part, and export it.

    Raises:
        AssayError: there is none, or it learned from the test part.
    """
    model = ModelFiles(REPEATED.ensemble)
    about = files.read_json(REPEATED.scores) if REPEATED.scores.is_file() else {}
    if not model.model.is_file():
        raise AssayError(f"{model.model}: not found; run `python -m src.repeat` with --model network")
    if about["over"] != "train-val":
        raise AssayError(
            f"{model.model}: it learned from the test part too; run `python -m src.repeat --over train-val`"
        )
    out, bundle = Evaluation(FOLDER / "evaluation"), Bundle(FOLDER / "bundle")
    inputs = evaluate.Inputs(RAW, PREPARED, SPLIT, model, PROBE, model.out_of_fold)
    evaluate.run(inputs, out, params.evaluate, params.seed, params.preprocess.shape, params.for_report())
    setting = export.Setting(
        source_name(params.dataset.source), params.preprocess, params.seed, params.train.threads,
        params.evaluate.confidence, params.evaluate.tta,
    )  # fmt: skip
    export.run(export.Inputs(PREPARED, SPLIT, model, out), bundle, params.export, setting)
    application.write(bundle)
    console.say(f"report: {out.report}; bundle: {bundle.folder}")
