package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/network"
)

// Entry is one network of the zoo.
type Entry struct {
	Name         string
	Size         int // height and width of the input
	Depth        int // of a volume of that size; 0 for images
	Channels     int
	Classes      int
	Loss         string  // of training; empty: network.SoftmaxCrossEntropy
	DiceBatch    bool    // Dice is of the whole batch, not of each image
	ParitySize   int     // input at which training parity is checked; 0: what plan.Parity says of Size
	LearningRate float64 // 0: what initial.LearningRate says of the network
	build        func(e Entry, batch, size int) (*network.Network, error)
}

var entries = []Entry{
	{Name: "lenet", Size: 28, Channels: 1, Classes: 10, LearningRate: 1e-3, build: leNet},
	{Name: "resnet20", Size: 32, Channels: 3, Classes: 10, LearningRate: 1e-3, build: cifarResNet(20)},
	{Name: "resnet18", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(basic, 2, 2, 2, 2)},
	{Name: "resnet34", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(basic, 3, 4, 6, 3)},
	{Name: "resnet50", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(bottleneck, 3, 4, 6, 3)},
	{Name: "resnet101", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(bottleneck, 3, 4, 23, 3)},
	{Name: "resnet152", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(bottleneck, 3, 8, 36, 3)},
	{Name: "resnet50-v1", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(bottleneckV1, 3, 4, 6, 3)},
	{Name: "resnet50-v2", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNetV2(3, 4, 6, 3)},
	{Name: "resnext50-32x4d", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(grouped, 3, 4, 6, 3)},
	{Name: "wide-resnet50-2", Size: 224, Channels: 3, Classes: 1000, LearningRate: 1e-3, build: resNet(wide, 3, 4, 6, 3)},
	{Name: "alexnet", Size: 224, Channels: 3, Classes: 1000, build: alexNet},
	{Name: "zfnet", Size: 224, Channels: 3, Classes: 1000, build: zfNet},
	{Name: "overfeat", Size: 231, Channels: 3, Classes: 1000, ParitySize: 103, build: overFeat},
	{Name: "vgg11", Size: 224, Channels: 3, Classes: 1000, build: vgg(false, 1, 1, 2, 2, 2)},
	{Name: "vgg11-bn", Size: 224, Channels: 3, Classes: 1000, build: vgg(true, 1, 1, 2, 2, 2)},
	{Name: "vgg13", Size: 224, Channels: 3, Classes: 1000, build: vgg(false, 2, 2, 2, 2, 2)},
	{Name: "vgg13-bn", Size: 224, Channels: 3, Classes: 1000, build: vgg(true, 2, 2, 2, 2, 2)},
	{Name: "vgg16", Size: 224, Channels: 3, Classes: 1000, build: vgg(false, 2, 2, 3, 3, 3)},
	{Name: "vgg16-bn", Size: 224, Channels: 3, Classes: 1000, build: vgg(true, 2, 2, 3, 3, 3)},
	{Name: "vgg19", Size: 224, Channels: 3, Classes: 1000, build: vgg(false, 2, 2, 4, 4, 4)},
	{Name: "vgg19-bn", Size: 224, Channels: 3, Classes: 1000, build: vgg(true, 2, 2, 4, 4, 4)},
	{Name: "googlenet", Size: 224, Channels: 3, Classes: 1000, build: googLeNet},
	{Name: "inception-v3", Size: 299, Channels: 3, Classes: 1000, ParitySize: 107, build: inceptionV3},
	{Name: "densenet121", Size: 224, Channels: 3, Classes: 1000, build: denseNet(6, 12, 24, 16)},
	{Name: "densenet169", Size: 224, Channels: 3, Classes: 1000, build: denseNet(6, 12, 32, 32)},
	{Name: "squeezenet1.1", Size: 224, Channels: 3, Classes: 1000, build: squeezeNet},
	{Name: "mobilenet-v1", Size: 224, Channels: 3, Classes: 1000, build: mobileNetV1},
	{Name: "mobilenet-v2", Size: 224, Channels: 3, Classes: 1000, build: mobileNetV2},
	{Name: "mobilenet-v3-large", Size: 224, Channels: 3, Classes: 1000, build: mobileNetV3},
	{Name: "shufflenet-v2", Size: 224, Channels: 3, Classes: 1000, build: shuffleNetV2},
	{Name: "efficientnet-b0", Size: 224, Channels: 3, Classes: 1000, build: efficientNet},
	{Name: "regnety-400mf", Size: 224, Channels: 3, Classes: 1000, build: regNetY},
	{Name: "convnext-tiny", Size: 224, Channels: 3, Classes: 1000, build: convNeXt},
	{Name: "unet", Size: 256, Channels: 1, Classes: 2, ParitySize: 32, build: uNet(false)},
	{Name: "unet-resize", Size: 256, Channels: 1, Classes: 2, ParitySize: 32, build: uNet(true)},
	{Name: "nnunet", Size: 256, Channels: 1, Classes: 3, ParitySize: 128, Loss: network.DiceCrossEntropy, DiceBatch: true,
		build: nnUNet(32, 64, 128, 256, 512, 512)},
	{Name: "chexnet", Size: 224, Channels: 3, Classes: 14, Loss: network.SigmoidCrossEntropy, build: denseNet(6, 12, 24, 16)},
	{Name: "resnet50-multilabel", Size: 224, Channels: 3, Classes: 14, Loss: network.SigmoidCrossEntropy, build: resNet(bottleneck, 3, 4, 6, 3)},
	{Name: "unet3d", Size: 32, Depth: 32, Channels: 1, Classes: 3, ParitySize: 16, Loss: network.DiceCrossEntropy, build: uNet3D},
	{Name: "resnet18-3d", Size: 64, Depth: 32, Channels: 1, Classes: 3, build: resNet(basic, 2, 2, 2, 2)},
}

// Names lists the networks.
func Names() []string {
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.Name
	}
	return all
}

// Get returns an entry; an unknown name is answered with the nearest ones.
func Get(name string) (Entry, error) {
	for _, e := range entries {
		if e.Name == name {
			return e, nil
		}
	}
	return Entry{}, names.Unknown("network", name, Names())
}

// Build makes the network for a batch, at its own input size.
func (e Entry) Build(batch int) (*network.Network, error) { return e.BuildAt(batch, e.Size) }

// BuildAt makes it for another height and width of the input; a volume is as deep
// in proportion.
func (e Entry) BuildAt(batch, size int) (*network.Network, error) {
	if batch < 1 || size < 1 {
		return nil, fmt.Errorf("network %q: batch %d and size %d have to be positive", e.Name, batch, size)
	}
	return e.build(e, batch, size)
}
