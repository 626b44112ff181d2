package onnx

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// Origin is what a plan says beyond its network, for which ONNX has no place
// but a file's metadata.
type Origin struct {
	Workload     string // like "resnet50/infer/b8/fp32"
	Network      string
	Seed         uint64
	LearningRate float64 // 0 for inference
	Loss         string  // of training; empty: network.SoftmaxCrossEntropy
	DiceBatch    bool    // Dice is of the whole batch
}

// The keys of a file's metadata.
const (
	workloadKey = "dlbench.workload"
	networkKey  = "dlbench.network"
	seedKey     = "dlbench.seed"
	rateKey     = "dlbench.learning_rate"
	initKey     = "dlbench.init" // how each parameter is drawn from the seed
	lossKey     = "dlbench.loss" // of training, if it is another than all have
	diceKey     = "dlbench.dice_batch"
)

func (o Origin) properties(parameters []network.Parameter) ([]*schema.StringStringEntryProto, error) {
	inits := map[string]network.Init{}
	for _, p := range parameters {
		inits[p.Name] = p.Init
	}
	text, err := json.Marshal(inits)
	if err != nil {
		return nil, err
	}
	entry := func(key, value string) *schema.StringStringEntryProto {
		return &schema.StringStringEntryProto{Key: proto.String(key), Value: proto.String(value)}
	}
	entries := []*schema.StringStringEntryProto{
		entry(workloadKey, o.Workload), entry(networkKey, o.Network), entry(seedKey, strconv.FormatUint(o.Seed, 10)),
		entry(rateKey, strconv.FormatFloat(o.LearningRate, 'g', -1, 64)), entry(initKey, string(text)),
	}
	if o.Loss != "" && o.Loss != network.SoftmaxCrossEntropy {
		entries = append(entries, entry(lossKey, o.Loss), entry(diceKey, strconv.FormatBool(o.DiceBatch)))
	}
	return entries, nil
}

// readOrigin reads what Write wrote; files of others have none. How parameters
// are drawn goes to the network.
func readOrigin(file *schema.ModelProto, net *network.Network) (*Origin, error) {
	values := map[string]string{}
	for _, p := range file.MetadataProps {
		values[p.GetKey()] = p.GetValue()
	}
	if values[workloadKey] == "" {
		return nil, nil
	}
	o := &Origin{Workload: values[workloadKey], Network: values[networkKey], Loss: values[lossKey], DiceBatch: values[diceKey] == "true"}
	if o.Loss != "" && !slices.Contains(network.Losses(), o.Loss) {
		return nil, fmt.Errorf("metadata: %s is %q, wants one of %q", lossKey, o.Loss, network.Losses())
	}
	var err error
	if o.Seed, err = strconv.ParseUint(values[seedKey], 10, 64); err != nil {
		return nil, fmt.Errorf("metadata: %s is %q, wants a seed", seedKey, values[seedKey])
	}
	if o.LearningRate, err = strconv.ParseFloat(values[rateKey], 64); err != nil {
		return nil, fmt.Errorf("metadata: %s is %q, wants a number", rateKey, values[rateKey])
	}
	var inits map[string]network.Init
	if err := json.Unmarshal([]byte(values[initKey]), &inits); err != nil {
		return nil, fmt.Errorf("metadata: %s is not what dlbench writes there: %w", initKey, err)
	}
	for k := range net.Parameters {
		if init, ok := inits[net.Parameters[k].Name]; ok {
			net.Parameters[k].Init = init
		}
	}
	return o, nil
}
