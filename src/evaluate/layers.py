"""The layers of a network as plain values: for the table and the drawing of the report."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras


class Layer(NamedTuple):
    """A layer: its name, its class in Keras, the shape that it gives for one image, and how many weights it has."""

    name: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int

    @property
    def output(self) -> str:
        """The shape as text.

        >>> Layer("a", "Conv2D", (64, 64, 16), 160).output
        '64 x 64 x 16'
        """
        return " x ".join("any" if side is None else str(side) for side in self.shape)


def of(network: "keras.Model") -> list[Layer]:
    """List the layers in their order; a network that is used as a layer counts as one."""
    return [
        Layer(layer.name, type(layer).__name__, _shape(layer.output), int(layer.count_params()))
        for layer in network.layers
    ]


def _shape(output: "keras.KerasTensor | list[keras.KerasTensor]") -> tuple[int | None, ...]:
    first = output[0] if isinstance(output, list | tuple) else output
    return tuple(first.shape[1:])
