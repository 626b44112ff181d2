"""ResNet as torchvision has it, LeNet as PyTorch's tutorial has it, U-Net as milesial/Pytorch-UNet
has it, and their loops."""

from __future__ import annotations

import time

import torch
from torch import nn

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
DEVICE = torch.device("cpu")


def start(threads: int, device: str) -> dict:
    global DEVICE
    torch.set_num_threads(threads)
    DEVICE = torch.device(device.replace("gpu", "cuda"))
    torch.backends.cudnn.benchmark = True
    return {"name": "PyTorch", "version": torch.__version__}


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, layers, classes, width=64, imagenet=True):
        super().__init__()
        self.inplanes = width
        stem = [nn.Conv2d(3, width, 7, 2, 3, bias=False)]
        if not imagenet:
            stem = [nn.Conv2d(3, width, 3, 1, 1, bias=False)]
        stem += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        if imagenet:
            stem.append(nn.MaxPool2d(3, 2, 1))
        self.stem = nn.Sequential(*stem)
        stages = [
            self.stage(block, width << i, n, 1 if i == 0 else 2) for i, n in enumerate(layers)
        ]
        self.layers = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(self.inplanes, classes)

    def stage(self, block, planes, blocks, stride):
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, planes * block.expansion, 1, stride, bias=False),
                nn.BatchNorm2d(planes * block.expansion),
            )
        layers = [block(self.inplanes, planes, stride, downsample)]
        self.inplanes = planes * block.expansion
        layers += [block(self.inplanes, planes) for _ in range(1, blocks)]
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.avgpool(self.layers(self.stem(x)))
        return self.fc(torch.flatten(x, 1))


class LeNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = self.pool(nn.functional.relu(self.conv1(x)))
        x = self.pool(nn.functional.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = nn.functional.relu(self.fc1(x))
        x = nn.functional.relu(self.fc2(x))
        return self.fc3(x)


class DoubleConv(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


class UNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        widths = [64, 128, 256, 512, 1024]
        self.inc = DoubleConv(1, widths[0])
        self.down = nn.ModuleList(DoubleConv(w, 2 * w) for w in widths[:-1])
        self.up = nn.ModuleList(Up(w, w // 2) for w in reversed(widths[1:]))
        self.outc = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = [self.inc(x)]
        for down in self.down:
            skips.append(down(nn.functional.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up in self.up:
            x = up(x, skips.pop())
        return self.outc(x)


DEPTHS = {
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]),
    "resnet152": (Bottleneck, [3, 8, 36, 3]),
}


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int, precision: str):
        self.mode, self.dtype = mode, DTYPES.get(precision)
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.backends.cudnn.allow_tf32 = precision == "tf32"  # or its getter raises
        torch.backends.cudnn.conv.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        if network == "lenet":
            model, shape = LeNet(classes), (batch, 1, 28, 28)
        elif network == "unet":
            model, shape = UNet(classes), (batch, 1, 256, 256)
        elif network == "resnet20":
            model = ResNet(BasicBlock, [3, 3, 3], classes, width=16, imagenet=False)
            shape = (batch, 3, 32, 32)
        else:
            model, shape = ResNet(*DEPTHS[network], classes), (batch, 3, 224, 224)
        self.model = model.to(DEVICE, memory_format=torch.channels_last)
        if self.dtype and mode == "infer":
            self.model = self.model.to(self.dtype)
        last = torch.channels_last
        self.inputs = [
            torch.randn(shape).to(DEVICE).contiguous(memory_format=last) for _ in range(2)
        ]
        labelled = (batch, *shape[2:]) if network == "unet" else (batch,)
        self.labels = [torch.randint(classes, labelled, device=DEVICE) for _ in range(2)]
        # GradScaler is float16's.
        self.scaler = torch.amp.GradScaler(DEVICE.type, enabled=precision == "fp16")
        self.model.train(mode == "train")
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, fused=True
        )

    def loop(self, iterations: int, slot: int):
        return (
            self.train(iterations, slot) if self.mode == "train" else self.infer(iterations, slot)
        )

    def infer(self, iterations: int, slot: int):
        model, inputs = self.model, self.inputs
        dtype = self.dtype or torch.float32
        with torch.inference_mode():
            synchronize()
            start = time.monotonic_ns()
            for i in range(iterations):
                output = model(inputs[(slot + i) % 2].to(dtype))
            synchronize()
            end = time.monotonic_ns()
        return start, end, output.float().cpu().numpy()

    def train(self, iterations: int, slot: int):
        model, inputs, labels = self.model, self.inputs, self.labels
        criterion, optimizer, scaler = self.criterion, self.optimizer, self.scaler
        mixed = torch.autocast(DEVICE.type, dtype=self.dtype, enabled=self.dtype is not None)
        synchronize()
        start = time.monotonic_ns()
        for i in range(iterations):
            k = (slot + i) % 2
            optimizer.zero_grad()
            with mixed:
                loss = criterion(model(inputs[k]), labels[k])
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        synchronize()
        end = time.monotonic_ns()
        return start, end, loss.detach().cpu().numpy()


def synchronize() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
