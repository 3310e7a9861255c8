"""EfficientNet-Lite0, published for 224x224 pixels, untrained or pretrained; its strides are fixed."""

from src.models._efficientnet_lite import network
from src.weights.efficientnet_lite import LITE0

OPTIONS = ("dropout", "pooling")
features = network(LITE0)
