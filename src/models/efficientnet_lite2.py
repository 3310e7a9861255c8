"""EfficientNet-Lite2, published for 260x260 pixels, untrained or pretrained; its strides are fixed."""

from src.models._efficientnet_lite import network
from src.weights.efficientnet_lite import LITE2

OPTIONS = ("dropout", "pooling")
features = network(LITE2)
