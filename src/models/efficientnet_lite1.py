"""EfficientNet-Lite1, published at 240 pixels a side, untrained or with learned weights; its strides are its own."""

from src.models._efficientnet_lite import network
from src.weights.efficientnet_lite import LITE1

OPTIONS = ("dropout", "pooling")
features = network(LITE1)
