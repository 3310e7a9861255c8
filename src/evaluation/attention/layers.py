"""Finds in a network what the maps are made from: the last tensors that still have places, and the output layer."""

import keras


def flattened(network: keras.Model) -> keras.Model:
    """Give the same network, with the same layers, in which no layer is a network of its own."""
    if not any(isinstance(layer, keras.Model) for layer in network.layers):
        return network

    def call(layer: keras.layers.Layer, *args: object, **options: object) -> object:
        return layer.call(*args, **options) if isinstance(layer, keras.Model) else layer(*args, **options)

    inlined = keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)
    return flattened(inlined)


def head(network: keras.Model) -> keras.layers.Dense | None:
    """Give the output layer if it is a dense one, whose logits can be computed without its activation."""
    layer, _ = _origin(network.outputs[0])
    return layer if isinstance(layer, keras.layers.Dense) else None


def features(network: keras.Model) -> keras.KerasTensor:
    """Give what the output layer gets, (N, F)."""
    return _origin(network.outputs[0])[1][0]


def last_maps(network: keras.Model) -> list[keras.KerasTensor]:
    """Give the last feature maps (N, H, W, C) with more than one place: one, or one for each branch.

    Going back from the output, the first such tensor on each way; what stands beside the way, as the pooled maps
    by which squeeze-and-excitation weights the others, is not met.
    """
    waiting, seen, found = [network.outputs[0]], set(), []
    while waiting:
        tensor = waiting.pop(0)
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if _has_places(tensor):
            found.append(tensor)
        else:
            waiting += _origin(tensor)[1]
    return found


def averaged(tensor: keras.KerasTensor) -> list[keras.KerasTensor] | None:
    """Give the maps (N, H, W, C) whose averages, side by side, a tensor (N, F) consists of; None if it is not such."""
    layer, inputs = _origin(tensor)
    if isinstance(layer, keras.layers.Dropout):  # passes all on once the training is over
        return averaged(inputs[0])
    if isinstance(layer, keras.layers.GlobalAveragePooling2D):
        return inputs
    if not isinstance(layer, keras.layers.Concatenate):
        return None
    branches = [averaged(entry) for entry in inputs]
    return None if None in branches else [maps for branch in branches for maps in branch or ()]


def _has_places(tensor: keras.KerasTensor) -> bool:
    return len(tensor.shape) == 4 and any(side is None or side > 1 for side in tensor.shape[1:3])


def _origin(tensor: keras.KerasTensor) -> tuple[keras.Operation, list[keras.KerasTensor]]:
    """Give the operation that made a tensor, and what it was made from."""
    operation, node, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node].input_tensors)
