"""EfficientNet-Lite2, published at 260 pixels a side, untrained or with learned weights; its strides are its own."""

from src.models._efficientnet_lite import network
from src.weights.efficientnet_lite import LITE2

OPTIONS = ("dropout", "pooling")
features = network(LITE2)
