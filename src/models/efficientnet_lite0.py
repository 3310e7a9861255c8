"""EfficientNet-Lite0, published at 224 pixels a side, untrained or with learned weights; its strides are its own."""

from src.models._efficientnet_lite import network
from src.weights.efficientnet_lite import LITE0

OPTIONS = ("dropout", "pooling")
features = network(LITE0)
