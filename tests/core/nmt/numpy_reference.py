"""The layers once more, in NumPy and float64, written from the equations: what the engine's layers are held to.

Nothing here knows TensorFlow but `weights_of`. One row of a batch is computed at a time, without padding, so that
nothing can be hidden by a mask. A state is a tuple of vectors: (c, h), or (h,) of a GRU.
"""

import numpy as np
import tensorflow as tf


def weights_of(module):
    """The variables of a module by the names of its attributes, in float64."""
    return {k: np.array(v.numpy(), np.float64) for k, v in vars(module).items() if isinstance(v, tf.Variable)}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def normalise(x, gamma, beta):
    """Ba et al. (2016), Eq. 4, on a vector; without an epsilon, which only matters where nothing varies."""
    return gamma * (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).mean()) + beta


def lstm(w, x, state, forget_bias):
    """Hochreiter and Schmidhuber (1997), with a forget gate."""
    c, h = state
    i, g, f, o = np.split(np.concatenate([x, h]) @ w["kernel"] + w["bias"], 4)
    c = sigmoid(f + forget_bias) * c + sigmoid(i) * np.tanh(g)
    return c, sigmoid(o) * np.tanh(c)


def gru(w, x, state, forget_bias):
    """Cho et al. (2014), Eq. 5-8."""
    (h,) = state
    r, u = np.split(sigmoid(np.concatenate([x, h]) @ w["gates_kernel"] + w["gates_bias"]), 2)
    g = np.tanh(np.concatenate([x, r * h]) @ w["kernel"] + w["bias"])
    return (u * h + (1 - u) * g,)


def layer_norm_lstm(w, x, state, forget_bias):
    """Ba et al. (2016), as TensorFlow 1's LayerNormBasicLSTMCell."""
    c, h = state
    gates = np.split(np.concatenate([x, h]) @ w["kernel"], 4)
    i, g, f, o = (normalise(z, w["gamma"][k], w["beta"][k]) for k, z in enumerate(gates))
    c = sigmoid(f + forget_bias) * c + sigmoid(i) * np.tanh(g)
    c = normalise(c, w["state_gamma"], w["state_beta"])
    return c, sigmoid(o) * np.tanh(c)


def nas(w, x, state, forget_bias):
    """Zoph and Le (2017), appendix A, as TensorFlow 1's NASCell."""
    c, m = state
    ins, ms = np.split(x @ w["kernel"], 8), np.split(m @ w["recurrent_kernel"], 8)
    sums = [a + b for a, b in zip(ins, ms, strict=True)]
    first = [sigmoid(sums[0]), relu(sums[1]), sigmoid(sums[2]), relu(ins[3] * ms[3])]
    first += [np.tanh(sums[4]), sigmoid(sums[5]), np.tanh(sums[6]), sigmoid(sums[7])]
    second = [np.tanh(first[0] * first[1]), np.tanh(first[2] + first[3])]
    second += [np.tanh(first[4] * first[5]), sigmoid(first[6] + first[7])]
    c = np.tanh(second[0] + c) * second[1]
    return c, np.tanh(c * np.tanh(second[2] + second[3]))


CELLS = {"lstm": lstm, "gru": gru, "layer_norm_lstm": layer_norm_lstm, "nas": nas}


def zeros(unit_type, num_units):
    return (np.zeros(num_units),) * (1 if unit_type == "gru" else 2)


def read(step, weights, inputs, state, forget_bias):
    """`inputs` (S, I) through one layer: outputs (S, U), and the state after the last."""
    outputs = []
    for x in inputs:
        state = step(weights, x, state, forget_bias)
        outputs.append(state[-1])
    return np.array(outputs).reshape(len(inputs), len(state[-1])), state


def scores(name, w, query, keys_of):
    """Luong et al. (2015), Eq. 8, general; Bahdanau et al. (2015), A.1.2; `query` (U,), `keys_of` (S, M) → (S,)."""
    keys = keys_of @ w["memory_kernel"]
    if name.endswith("luong"):
        return keys @ query * w.get("scale", 1.0)
    if name == "bahdanau":
        return np.tanh(keys + query @ w["query_kernel"]) @ w["v"]
    return np.tanh(keys + query @ w["query_kernel"] + w["bias"]) @ (w["g"] * w["v"] / np.linalg.norm(w["v"]))


def attend(name, w, query, values):
    """`query` (U,), `values` (S, M) → context (M,), alignments (S,)."""
    weights = np.exp(scores(name, w, query, values))
    weights /= weights.sum()
    return weights @ values, weights


def slopes(loss, array, entries, nudge=1e-6):
    """How `loss()` changes with single entries of an array that it reads, by central differences."""
    found = []
    for at in entries:
        middle = array[at]
        array[at] = middle + nudge
        above = loss()
        array[at] = middle - nudge
        below = loss()
        array[at] = middle
        found.append((above - below) / (2 * nudge))
    return np.array(found)
