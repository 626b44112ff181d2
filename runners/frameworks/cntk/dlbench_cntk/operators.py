"""The plan's operators by cntk.ops. What computes a node takes the nodes of its activations and its
parameters."""

import math

import cntk as C
import numpy as np

from .plan import Unsupported

OPERATORS = (
    ["Conv", "ConvTranspose", "BatchNormalization", "Relu", "Clip", "Sigmoid", "Softmax", "MaxPool"]
    + ["AveragePool", "GlobalAveragePool", "Add", "Mul", "Concat", "Flatten", "Gemm", "LRN"]
    + ["Dropout", "Resize", "LeakyRelu", "PRelu", "HardSigmoid", "HardSwish", "Gelu"]
    + ["LayerNormalization", "Reshape", "Transpose", "Slice"]
    + ["Add.parameter", "Mul.parameter", "Gemm.nobias", "InstanceNormalization"]
    + ["SoftmaxCrossEntropy.pixels", "DiceCrossEntropy", "SigmoidCrossEntropy"]
    + ["Conv.3d", "ConvTranspose.3d", "BatchNormalization.3d", "InstanceNormalization.3d"]
    + ["MaxPool.3d", "AveragePool.3d", "GlobalAveragePool.3d", "Resize.3d"]
)
LOWEST = -3.0e38
# What a convolution may unfold, in bytes; of more it unfolds one image of the batch after another.
UNFOLDED = 4 << 30

# Gelu is x/2 * (1 + tanh(x * polynomial of x*x)); these are the coefficients. By definition for
# its approximation; for the one by erf fitted by least squares to atanh(erf(x/sqrt(2)))/x where
# that bears on the result. Its erf is off by at most 6e-8, as float32's own rounding is.
GELU_TANH = [math.sqrt(2 / math.pi), math.sqrt(2 / math.pi) * 0.044715]
GELU_ERF = [0.797884945, 0.0363330846, -3.25950648e-05, -5.5306157e-05]
GELU_ERF += [3.96473775e-06, -1.32262811e-07, 1.75615602e-09]


class Operators(object):
    def __init__(self, plan, device):
        self.plan, self.device = plan, device

    def operator(self, node):
        """The method that is named like the operator, `_relu`."""
        make = getattr(self, "_" + node.op.lower(), None)
        if make is None:
            raise Unsupported("operator %s" % node.op)
        return make

    def padded(self, x, pads, value=0.0):
        if not any(pads):
            return x
        axes = len(pads) // 2
        pattern = [(0, 0)] + list(zip(pads[:axes], pads[axes:]))
        return C.pad(x, pattern, mode=C.ops.CONSTANT_PAD, constant_value=value)

    def size_of(self, node):
        return self.plan.shape_of(node.data[0])[2:]

    def _conv(self, node, x, w, b=None):
        if any(d != 1 for d in node.dilations):
            raise Unsupported("dilated Conv: CNTK has none on CPUs")
        half = [k // 2 for k in node.kernel_shape]
        odd = all(k % 2 for k in node.kernel_shape) and max(node.strides) <= 2
        fits = all(k <= s for k, s in zip(node.kernel_shape, self.size_of(node)))
        own = any(node.pads) and odd and fits and list(node.pads) == half + half
        x = x if own else self.padded(x, node.pads)
        settings = {"strides": tuple(node.strides), "auto_padding": [False] + [own] * node.axes}
        settings["max_temp_mem_size_in_samples"] = self.at_once(node, w)
        if node.group > 1 and node.axes == 3:
            y = self.groups(node, x, w, settings)
        else:
            y = C.convolution(w, x, groups=node.group, **settings)
        return y if b is None else y + self.each_channel(node, b)

    def at_once(self, node, w):
        """How many images are unfolded at once, 0 for all. The gradient of the input unfolds as
        many numbers as the kernel and the outputs' channels have for each pixel of it: 12 GB for an
        image of 3-D ResNets' first convolution."""
        pixels, kernel = np.prod(self.size_of(node)), np.prod(node.kernel_shape)
        unfolded = 4.0 * self.plan.batch * pixels * kernel * w.shape[0]
        return 1 if unfolded > UNFOLDED else 0

    def groups(self, node, x, w, settings):
        """A convolution for each: on CPUs CNTK has groups of images only."""
        inward, outward = w.shape[1], w.shape[0] // node.group
        parts = []
        for g in range(node.group):
            share = C.slice(x, 0, g * inward, (g + 1) * inward)
            kernels = C.slice(w, 0, g * outward, (g + 1) * outward)
            parts.append(C.convolution(kernels, share, **settings))
        return C.splice(*parts, axis=0)

    def each_channel(self, node, value):
        """A number for each channel, as it is added to an image or a volume."""
        return C.reshape(value, (-1,) + (1,) * node.axes)

    def _convtranspose(self, node, x, w, b=None):
        if node.group != 1:
            raise Unsupported("ConvTranspose in groups: convolution_transpose has none")
        if any(d != 1 for d in node.dilations):
            raise Unsupported("dilated ConvTranspose: CNTK has none on CPUs")
        size, wanted, axes = self.size_of(node), node.shape[2:], node.axes
        spans = list(zip(size, node.strides, node.kernel_shape))
        whole = [(s - 1) * t + k for s, t, k in spans]
        # What output_padding has beyond the whole output, a zero behind the input makes.
        beyond = [int(p + s > r) for p, s, r in zip(node.pads, wanted, whole)]
        whole = [r + more * t for r, more, t in zip(whole, beyond, node.strides)]
        x = self.padded(x, [0] * axes + beyond)
        y = C.convolution_transpose(
            w,
            x,
            tuple(node.strides),
            auto_padding=[False] * (1 + axes),
            output_shape=(node.shape[1],) + tuple(whole),
        )
        for i in range(axes):
            if wanted[i] != whole[i]:
                y = C.slice(y, 1 + i, node.pads[i], node.pads[i] + wanted[i])
        return y if b is None else y + self.each_channel(node, b)

    def _batchnormalization(self, node, x, scale, bias, mean, variance):
        return C.batch_normalization(
            x,
            scale,
            bias,
            mean,
            variance,
            spatial=True,
            normalization_time_constant=-self.plan.batch / math.log(node.momentum),
            epsilon=node.epsilon,
            use_cudnn_engine=False,
            # With a count of zero the first batch would replace the statistics.
            running_count=C.constant(1e9, device=self.device),
        )

    def _relu(self, node, x):
        return C.relu(x)

    def _clip(self, node, x):
        return C.clip(x, node.min, node.max)

    def _sigmoid(self, node, x):
        return C.sigmoid(x)

    def _leakyrelu(self, node, x):
        return C.leaky_relu(x, node.alpha)

    def _prelu(self, node, x, slope):
        return C.param_relu(slope, x)

    def _hardsigmoid(self, node, x):
        return C.hard_sigmoid(x, node.alpha, node.beta)

    def _hardswish(self, node, x):
        return x * C.hard_sigmoid(x, 1.0 / 6, 0.5)

    def _gelu(self, node, x):
        """CNTK has no erf."""
        terms = GELU_TANH if node.approximate == "tanh" else GELU_ERF
        square, total = x * x, terms[-1]
        for term in terms[-2::-1]:
            total = total * square + term
        return x * (0.5 + 0.5 * C.tanh(x * total))

    def _layernormalization(self, node, x, scale, bias):
        """From its parts: CNTK's layer has one scale for all, and adds epsilon to the root."""
        axes = tuple(range(node.axis - 1, len(node.shape) - 1))
        centred = x - C.reduce_mean(x, axis=axes)
        variance = C.reduce_mean(centred * centred, axis=axes)
        return centred / C.sqrt(variance + node.epsilon) * scale + bias

    def _instancenormalization(self, node, x, scale, bias):
        """From its parts: mean_variance_normalization adds epsilon to the root, and has one scale
        for all."""
        axes = tuple(range(1, 1 + node.axes))
        centred = x - C.reduce_mean(x, axis=axes)
        variance = C.reduce_mean(centred * centred, axis=axes)
        slope = self.each_channel(node, scale) / C.sqrt(variance + node.epsilon)
        return centred * slope + self.each_channel(node, bias)

    def _softmax(self, node, x):
        return C.softmax(x, axis=node.axis - 1)

    def reach(self, node):
        """The padding of a pool, with what ceil_mode adds at the ends."""
        axes, extra = node.axes, []
        for i, size in enumerate(self.size_of(node)):
            end = (node.shape[2 + i] - 1) * node.strides[i] + node.kernel_shape[i]
            extra.append(max(0, end - size - node.pads[i] - node.pads[axes + i]))
        return [p + e for p, e in zip(node.pads, [0] * axes + extra)]

    def pool(self, node, x, kind):
        return C.pooling(x, kind, tuple(node.kernel_shape), tuple(node.strides), [False])

    def _maxpool(self, node, x):
        if any(d != 1 for d in node.dilations):
            raise Unsupported("MaxPool with dilations %s: pooling has none" % node.dilations)
        return self.pool(node, self.padded(x, self.reach(node), LOWEST), C.MAX_POOLING)

    def _averagepool(self, node, x):
        y = self.pool(node, self.padded(x, self.reach(node)), C.AVG_POOLING)
        correction = self.correction(node)
        return y if (correction == 1).all() else y * C.Constant(correction, device=self.device)

    def correction(self, node):
        """What turns averages over whole windows into the plan's: [1, oh, ow], or of a volume."""
        axes, padding = node.axes, list(node.pads)
        more = [r - p for r, p in zip(self.reach(node), padding)]
        counted = np.full(self.size_of(node), 1.0)
        around = list(zip(padding[:axes], padding[axes:]))
        counted = np.pad(counted, around, "constant", constant_values=node.count_include_pad)
        counted = np.pad(counted, [(0, extra) for extra in more[axes:]], "constant")
        counts = np.empty(node.shape[2:])
        for place in np.ndindex(*counts.shape):
            starts = [p * s for p, s in zip(place, node.strides)]
            window = tuple(slice(a, a + k) for a, k in zip(starts, node.kernel_shape))
            counts[place] = counted[window].sum()
        return np.array([np.prod(node.kernel_shape) / counts], dtype=np.float32)

    def _globalaveragepool(self, node, x):
        return C.reduce_mean(x, axis=tuple(range(1, 1 + node.axes)))

    def _add(self, node, a, b):
        return a + b

    def _mul(self, node, a, b):
        return a * b

    def _concat(self, node, *parts):
        return C.splice(*parts, axis=node.axis - 1)

    def _flatten(self, node, x):
        return C.reshape(x, (node.shape[1],))

    def _reshape(self, node, x):
        return C.reshape(x, node.shape[1:])

    def _transpose(self, node, x):
        return C.transpose(x, [axis - 1 for axis in node.perm[1:]])

    def _slice(self, node, x):
        return C.slice(x, node.axis - 1, node.start, node.end)

    def _gemm(self, node, x, w, b=None):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported("Gemm with alpha %s and beta %s" % (node.alpha, node.beta))
        return C.times(x, w) if b is None else C.times(x, w) + b

    def _lrn(self, node, x):
        """From its parts: if alpha is small, local_response_normalization is off by 4e-5."""
        below, above = (node.size - 1) // 2, node.size // 2
        squares = C.pad(x * x, [(below, above), (0, 0), (0, 0)], mode=C.ops.CONSTANT_PAD)
        channels = node.shape[1]
        total = sum(C.slice(squares, 0, i, i + channels) for i in range(node.size))
        return x * C.exp(-node.beta * C.log(node.bias + node.alpha / node.size * total))

    def _dropout(self, node, x):
        return C.alias(x)

    def _resize(self, node, x):
        """Along one axis after another, the last first: each in turn is the last one."""
        axes = list(range(node.axes))
        turn = [0, len(axes)] + [1 + axis for axis in axes[:-1]]
        for size, scale in reversed(list(zip(self.size_of(node), node.scales))):
            matrix = C.Constant(resize_matrix(node, size, scale).T.copy(), device=self.device)
            x = C.transpose(C.times(x, matrix), turn)
        return x


def resize_matrix(node, size, scale):
    """One axis of a separable resize: [size * scale, size]."""
    out = np.arange(size * scale)
    half = 0.5 if node.coordinate_transformation_mode == "half_pixel" else 0.0
    place = (out + half) / scale - half
    low = np.floor(place)
    share = place - low if node.mode == "linear" else np.zeros(len(out))
    matrix = np.zeros((len(out), size), dtype=np.float32)
    np.add.at(matrix, (out, np.clip(low, 0, size - 1).astype(int)), 1 - share)
    np.add.at(matrix, (out, np.clip(low + 1, 0, size - 1).astype(int)), share)
    return matrix
