"""A bundle of a tiny network, made by the stage itself from image files of every format that is read."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from src.config import Export, Preprocess
from src.core.paths import Bundle, Evaluation, ModelFiles, Prepared, Raw, SplitFiles
from tests.images.helpers import save, section, smooth
from tests.images.test_dicom import write as write_dicom

CLASSES = ("NORMAL", "SICK")
SIDE = 32
STEPS = ("gray", "stretch", "clahe", "crop", "resize")
IMAGES = 140  # beside those of the formats: val has enough for a temperature
EXIF_TURNED = 6  # a quarter turn clockwise
_FOLDERS: list[TemporaryDirectory[str]] = []  # removed when the session ends


@dataclass(frozen=True)
class Built:
    """What the stages wrote below a folder."""

    folder: Path
    preparation: Preprocess

    @property
    def raw(self) -> Raw:
        return Raw(self.folder / "raw")

    @property
    def prepared(self) -> Prepared:
        return Prepared(self.folder / "prepared")

    @property
    def split(self) -> SplitFiles:
        return SplitFiles(self.folder / "split")

    @property
    def model(self) -> ModelFiles:
        return ModelFiles(self.folder / "model")

    @property
    def evaluation(self) -> Evaluation:
        return Evaluation(self.folder / "evaluation")

    @property
    def bundle(self) -> Bundle:
        return Bundle(self.folder / "bundle")

    def export(self, out: Bundle | None = None, calibrate: str = "temperature") -> Bundle:
        """Run the stage."""
        from src.export import stage

        inputs = stage.Inputs(self.prepared, self.split, self.model, self.evaluation)
        setting = stage.Setting("made", self.preparation, 1, 2, 0.95, "none")
        stage.run(inputs, out or self.bundle, Export(calibrate=calibrate), setting)
        return out or self.bundle


@cache
def built(classes: tuple[str, ...] = CLASSES, pooling: str = "average") -> Built:
    """Run the stages on made images, with a network that nobody trained and a fixed seed; once a session."""
    _FOLDERS.append(TemporaryDirectory(prefix="bundle-"))
    made = Built(Path(_FOLDERS[-1].name), section(*STEPS, image_size=SIDE, max_rejected=0.0))
    _write_raw(made, classes)
    from src.preprocess.stage import run

    run(made.raw, made.prepared, made.preparation)
    _write_parts(made)
    _write_model(made, classes, pooling)
    _write_evaluation(made, classes)
    made.export()
    return made


def write_formats(folder: Path) -> None:
    """Write an image of every format and mode that is read."""
    color, gray = smooth(60, 44), smooth(60, 44, channels=1)
    alpha = np.dstack([color, smooth(60, 44, 3, channels=1)])
    for name in ("a.png", "a.jpg", "a.tif", "a.bmp", "a.webp", "a.jp2", "a.ppm", "a.gif"):
        save(folder / f"color_{name}", color)
    save(folder / "gray.png", gray)
    save(folder / "gray.jpg", gray)
    save(folder / "alpha.png", alpha)
    save(folder / "deep.png", gray.astype(np.uint16) * 120 + 3000)
    Image.fromarray(color).convert("P").save(folder / "palette.png")
    Image.fromarray(gray).convert("1").save(folder / "black_and_white.png")
    Image.fromarray(np.dstack([gray, gray])).save(folder / "gray_alpha.png")
    exif = Image.Exif()
    exif[0x0112] = EXIF_TURNED
    save(folder / "turned.jpg", color, exif=exif)
    write_dicom(folder / "slice.dcm", gray.astype(np.int16) * 5 - 200)


def _write_raw(made: Built, classes: tuple[str, ...]) -> None:
    for number in range(IMAGES):
        image = smooth(48, 64, number, channels=1) // (1 + number % len(classes))
        save(made.raw.folder / classes[number % len(classes)] / f"{number:02}.png", image)
    write_formats(made.raw.folder / classes[0])
    files = sorted(path for path in made.raw.folder.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(made.raw.folder).as_posix()},{path.parent.name},," for path in files]
    made.raw.manifest.write_text("\n".join(["path,label,group,fold", *lines]) + "\n", encoding="utf-8")


def _write_parts(made: Built) -> None:
    made.split.folder.mkdir()
    count = len(made.prepared.index.read_text(encoding="utf-8").splitlines()) - 1
    parts = [f"{row},{('train', 'val', 'test')[row % 3]}," for row in range(count)]
    made.split.parts.write_text("\n".join(["row,part,group", *parts]) + "\n", encoding="utf-8")


def _write_model(made: Built, classes: tuple[str, ...], pooling: str) -> None:
    from src import models
    from src.train.stage import write

    models.start(1, 2)
    network = models.build("compact_cnn", made.preparation.shape, len(classes), pooling=pooling)
    network.layers[-1].set_weights([weights * 8 for weights in network.layers[-1].get_weights()])  # surer of itself
    made.model.folder.mkdir()
    write(network, made.model.model)
    made.model.classes.write_text(json.dumps(classes), encoding="utf-8")
    made.model.fingerprint.write_text(json.dumps({"sha256": "f" * 64}), encoding="utf-8")


def _write_evaluation(made: Built, classes: tuple[str, ...]) -> None:
    from src.core.files import write_json
    from src.evaluate import inputs as tables
    from src.evaluate.predict import open_model, predict
    from src.evaluate.results import Rules, compute, summarise
    from src.images.store import open_images

    images = [
        image for image in tables.read_images(made.prepared.index, made.split.parts) if image.part in ("val", "test")
    ]
    network = open_model(made.model.model, made.preparation.shape, 1, 2)
    rows = np.array([image.row for image in images], np.int64)
    probabilities = predict(network, open_images(made.prepared), rows)
    scored = {}
    for part in ("test", "val"):
        places = [place for place, image in enumerate(images) if image.part == part]
        scored[part] = tables.score([images[place] for place in places], probabilities[places], classes)
    tables.write_predictions(made.evaluation.predictions, images, probabilities, classes)
    write_json(made.evaluation.warnings, [{"level": "bad", "text": "Parts are not apart."}])
    write_json(
        made.evaluation.metrics, summarise(compute(scored["test"], scored["val"], Rules("youden", 0.95, 100, 1)))
    )
