"""EfficientNet-Lite1, published for 240x240 pixels, untrained or pretrained; its strides are fixed."""

from src.models._efficientnet_lite import network
from src.weights.efficientnet_lite import LITE1

OPTIONS = ("dropout", "pooling")
features = network(LITE1)
