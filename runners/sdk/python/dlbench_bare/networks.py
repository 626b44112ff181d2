"""The shapes of the networks that bare loops write down, each in its framework's words."""

DEPTHS = {
    "resnet20": (False, (3, 3, 3)),
    "resnet18": (False, (2, 2, 2, 2)),
    "resnet34": (False, (3, 4, 6, 3)),
    "resnet50": (True, (3, 4, 6, 3)),
    "resnet101": (True, (3, 4, 23, 3)),
    "resnet152": (True, (3, 8, 36, 3)),
}


def image(network: str) -> tuple[int, int]:
    """Channels and side of the input."""
    return {"lenet": (1, 28), "resnet20": (3, 32), "unet": (1, 256)}.get(network, (3, 224))


def blocks(network: str):
    """Stride, width and whether a block's shortcut has a convolution, block by block."""
    bottleneck, depths = DEPTHS[network]
    first = 16 if network == "resnet20" else 64
    channels = first
    for stage, depth in enumerate(depths):
        for i in range(depth):
            width = first << stage
            out = 4 * width if bottleneck else width
            stride = 2 if stage > 0 and i == 0 else 1
            yield stride, width, stride != 1 or channels != out
            channels = out
