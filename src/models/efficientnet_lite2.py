"""EfficientNet-Lite2, published at 260 pixels a side, untrained or with learned weights."""

from functools import partial

from src.models import _efficientnet_lite as lite
from src.weights.efficientnet_lite import LITE2

features = partial(lite.features, version=LITE2)
