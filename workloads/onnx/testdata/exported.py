"""Makes the files of TestJudged that an exporter wrote: small networks for segmentation as PyTorch
exports them.

    python exported.py FOLDER    (wants torch and onnx; writes FOLDER/torch-*.onnx)

judge.py says then what ONNX Runtime computes of those that lie beside it.
"""

import pathlib
import sys

import onnx
import torch
import torch.nn.functional as F
from torch import nn


def twice(i, o, conv, norm, act, stride=1):
    return nn.Sequential(conv(i, o, 3, stride, 1), norm(o), act(), conv(o, o, 3, 1, 1), norm(o), act())


def leaky():
    return nn.LeakyReLU(0.01)


def instances(c):
    return nn.InstanceNorm3d(c, affine=True)


class Padded(nn.Module):
    """github.com/milesial/Pytorch-UNet pads the way up to the skip, by nothing if the sizes agree."""

    def __init__(self):
        super().__init__()
        self.a = twice(1, 4, nn.Conv2d, nn.BatchNorm2d, nn.ReLU)
        self.b = twice(4, 8, nn.Conv2d, nn.BatchNorm2d, nn.ReLU)
        self.up, self.c = nn.ConvTranspose2d(8, 8, 2, 2), twice(12, 4, nn.Conv2d, nn.BatchNorm2d, nn.ReLU)
        self.out = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        a = self.a(x)
        u = self.up(self.b(F.max_pool2d(a, 2)))
        h, w = a.size(2) - u.size(2), a.size(3) - u.size(3)
        u = F.pad(u, [w // 2, w - w // 2, h // 2, h - h // 2])
        return self.out(self.c(torch.cat([a, u], 1)))


class Interpolated(nn.Module):
    """Its size is computed through floats and Floor."""

    def __init__(self):
        super().__init__()
        self.a = twice(1, 4, nn.Conv3d, instances, leaky)
        self.b = twice(4, 8, nn.Conv3d, instances, leaky, 2)
        self.c, self.out = twice(12, 4, nn.Conv3d, instances, leaky), nn.Conv3d(4, 3, 1)

    def forward(self, x):
        a = self.a(x)
        u = F.interpolate(
            self.b(a), scale_factor=2, mode="trilinear", recompute_scale_factor=True, align_corners=False
        )
        return torch.softmax(self.out(self.c(torch.cat([a, u], 1))), 1)


class Cropped(nn.Module):
    """The first U-Net pads nothing and takes the middle of its skips."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3)
        self.up, self.out = nn.ConvTranspose2d(8, 4, 2, 2), nn.Conv2d(8, 2, 3)

    def forward(self, x):
        a = F.relu(self.a(x))
        u = self.up(F.relu(self.b(F.max_pool2d(a, 2))))
        h, w = u.shape[2:]
        top, left = (a.shape[2] - h) // 2, (a.shape[3] - w) // 2
        return self.out(torch.cat([a[:, :, top : top + h, left : left + w], u], 1))


class PaddedVolume(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv3d(1, 4, 3), nn.Conv3d(4, 4, 3, 2, 1)
        self.up, self.out = nn.ConvTranspose3d(4, 4, 3, 2, 1, output_padding=1), nn.Conv3d(8, 2, 1)

    def forward(self, x):
        a = self.a(x)
        u = self.up(F.gelu(self.b(a)))
        less = [extent for k in (4, 3, 2) for extent in (0, a.shape[k] - u.shape[k])]
        return self.out(torch.cat([a, F.pad(u, less)], 1))


class Residual(nn.Module):
    """The units of MONAI's UNet: norms without parameters, one slope, output padding."""

    def __init__(self):
        super().__init__()

        def unit(i, o, stride):
            first = [nn.Conv3d(i, o, 3, stride, 1), nn.InstanceNorm3d(o), nn.PReLU()]
            other = nn.Conv3d(i, o, 3, stride, 1) if stride > 1 else nn.Conv3d(i, o, 1)
            inner = nn.Sequential(*first, nn.Conv3d(o, o, 3, 1, 1), nn.InstanceNorm3d(o), nn.PReLU())
            return nn.ModuleList([inner, other if i != o else nn.Identity()])

        self.down, self.deep, self.last = unit(1, 4, 2), unit(4, 8, 1), unit(2, 2, 1)
        self.up = nn.Sequential(nn.ConvTranspose3d(12, 2, 3, 2, 1, 1), nn.InstanceNorm3d(2), nn.PReLU())

    def forward(self, x):
        a = self.down[0](x) + self.down[1](x)
        b = self.deep[0](a) + self.deep[1](a)
        u = self.up(torch.cat([a, b], 1))
        return self.last[0](u) + self.last[1](u)


class SeveralOutputs(nn.Module):
    """nnU-Net's, with an output for each size while it is trained."""

    def __init__(self):
        super().__init__()
        strides, widths = [1, 2, (1, 2, 2)], [4, 6, 8]
        self.down = nn.ModuleList(
            twice(i, o, nn.Conv3d, instances, leaky, s) for i, o, s in zip([1, *widths], widths, strides)
        )
        self.ups = nn.ModuleList(
            [nn.ConvTranspose3d(8, 6, strides[2], strides[2]), nn.ConvTranspose3d(6, 4, 2, 2)]
        )
        self.stages = nn.ModuleList(twice(i, o, nn.Conv3d, instances, leaky) for i, o in [(12, 6), (8, 4)])
        self.outs = nn.ModuleList(nn.Conv3d(i, 3, 1) for i in (6, 4))

    def forward(self, x):
        skips, outs = [], []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        for k, (up, stage, out) in enumerate(zip(self.ups, self.stages, self.outs)):
            x = stage(torch.cat([up(x), skips[1 - k]], 1))
            outs.append(out(x))
        return tuple(outs[::-1])


def groups():
    return nn.Sequential(nn.Conv3d(1, 4, 3, 1, 1), nn.GroupNorm(4, 4), nn.ReLU(), nn.Conv3d(4, 2, 1))


VOLUME = (2, 1, 8, 12, 8)
# the network, its input, the opset, and whether PyTorch is told that the size is open
FILES = {
    "padded": (Padded, (2, 1, 12, 16), 11, True),
    "interpolated": (Interpolated, VOLUME, 11, True),
    "cropped": (Cropped, (2, 1, 20, 24), 11, True),
    "padded-volume": (PaddedVolume, (2, 1, 10, 12, 8), 17, True),
    "residual": (Residual, VOLUME, 17, False),
    "several-outputs": (SeveralOutputs, VOLUME, 17, False),
    "groups": (groups, VOLUME, 17, True),
}


def main():
    for name, (build, shape, opset, is_open) in FILES.items():
        torch.manual_seed(1)
        network = build().eval()
        for module in network.modules():
            for parameter in module.parameters(recurse=False):
                nn.init.normal_(parameter, 0.1, 0.3)
            if getattr(module, "running_var", None) is not None:
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.normal_(module.running_mean, 0, 0.2)
        axes = {0: "batch"} | ({k: f"size{k}" for k in range(2, len(shape))} if is_open else {})
        path = pathlib.Path(sys.argv[1]) / f"torch-{name}.onnx"
        torch.onnx.export(
            network, (torch.randn(*shape),), str(path), dynamo=False, opset_version=opset,
            input_names=["images"], output_names=["logits"], dynamic_axes={"images": axes},
        )
        made = onnx.load(path)  # the nodes compute sizes; the tests have one
        for dim, extent in list(zip(made.graph.input[0].type.tensor_type.shape.dim, shape))[1:]:
            dim.dim_value = extent
        onnx.save(made, path)


if __name__ == "__main__":
    main()
