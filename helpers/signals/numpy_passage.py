"""The passage of one batch through an `MLP` or a `Stack`, for `helpers.signals.trace`."""

import numpy as np

from helpers.networks.mlp import cross_entropy
from helpers.signals.blocks import End, Passage, Step, blocks_of, functions_on
from helpers.signals.measures import batch_norm_signal


def mlp_passage(model, x, y, *, weights=True, training=True) -> Passage:
    """Return one batch's way through an `MLP` and back; without `weights`, dW is left out."""
    x = np.asarray(x, dtype=model.weights[0].dtype)
    forward = model.forward(x)
    loss, dlogits = cross_entropy(forward.logits, y)
    gradients = model.backward(forward, dlogits, weights=weights)
    steps = [Step(x)]
    for i, (W, z) in enumerate(zip(model.weights, forward.z, strict=True)):
        dense = {
            "kind": "dense",
            "name": f"layer {i + 1}",
            "W": W,
            "dW": gradients.dW[i] if weights else None,
        }
        steps.append(Step(z, parents=(steps[-1],), gradient=gradients.dz[i], **dense))
        if i < model.depth:
            f = {"kind": "activation", "activation": model.activation, "slope": gradients.slope[i]}
            steps.append(Step(forward.h[i + 1], parents=(steps[-1],), **f))
    return _to_cross_entropy(steps, loss)


def stack_passage(model, x, y, *, weights=True, training=True) -> Passage:
    """Return one batch's way through a `Stack` and back; without `weights`, dW is left out.

    With `training` its dropout drops. The stack is left as it was, its random numbers too.
    """
    state = model.rng.bit_generator.state
    nodes = model.forward(np.asarray(x, dtype=model.dtype), training=training)
    model.rng.bit_generator.state = state  # the next training step draws the masks it would have drawn
    loss, dlogits = cross_entropy(nodes[-1].output, y)
    dW = {
        layer: own.get("W")
        for layer, own in model.backward(nodes, dlogits, weights=weights).parameters.items()
    }
    return _to_cross_entropy(steps_of(nodes, dW), loss)


def steps_of(nodes, dW=None) -> list[Step]:
    """Return the steps of a stack's nodes, named after its dense layers; `dW` holds layer → gradient."""
    steps = {node: Step(node.output, gradient=node.gradient) for node in nodes[0].parents}
    dense = 0
    for node in nodes:
        layer, W, activation = (
            node.layer,
            getattr(node.layer, "W", None),
            getattr(node.layer, "activation", None),
        )
        dense += W is not None
        steps[node] = Step(
            node.output,
            layer,
            tuple(steps[parent] for parent in node.parents),
            gradient=node.gradient,
            kind=layer.kind,
            name=f"layer {dense}" if activation is None else activation.name,
            W=W,
            dW=(dW or {}).get(layer),
            biased=getattr(layer, "b", None) is not None,
            activation=activation,
            batch_norm=_batch_norm(node) if layer.kind == "batch_norm" else None,
        )
    return list(steps.values())


def _batch_norm(node):
    """What a batch normalization sees."""
    layer, running = node.layer, node.layer.running
    trained = running.batches > 0 or bool((layer.gamma != 1).any() or (layer.beta != 0).any())
    moving = {"mean": running.mean, "variance": running.variance, "eps": layer.eps}
    return batch_norm_signal(node.parents[0].output, **moving, trained=trained)


def _to_cross_entropy(steps, loss):
    """The passage to a softmax with the cross-entropy, which takes the last step's output."""
    blocks = blocks_of(steps)
    end = End(blocks[-1][0].name, functions_on(blocks[-1], steps[-1]), "cross-entropy", "logits")
    return Passage(blocks, loss, (steps[-1],), (end,))
