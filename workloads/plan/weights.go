package plan

import (
	"encoding/hex"
	"fmt"
)

// Weights say which file a plan's first values come from, if they are not drawn
// from its seed.
type Weights struct {
	Source string `json:"source"` // "file"
	File   string `json:"file"`   // its name, without folders
	SHA256 string `json:"sha256"` // of all that it holds, weights beside it too
}

// Take gives the plan weights of a file. Values is asked for each parameter when
// the weights are written.
func (p *Plan) Take(w Weights, values func(parameter string) ([]float32, error)) {
	p.Weights, p.values = &w, values
}

func (p *Plan) checkWeights() error {
	if p.Weights == nil {
		return nil
	}
	if p.Weights.Source != "file" || p.Weights.File == "" {
		return fmt.Errorf("weights: expected source \"file\" and a file's name")
	}
	if digest, err := hex.DecodeString(p.Weights.SHA256); err != nil || len(digest) != 32 {
		return fmt.Errorf("weights: sha256 is %q, expected 64 hexadecimal digits", p.Weights.SHA256)
	}
	return nil
}

// drawn says that the weights are drawn from the seed as they are.
func (p *Plan) drawn() bool {
	return p.values == nil && p.Weights == nil && (p.Quantization == nil || len(p.Quantization.Folded) == 0)
}

// Values are a parameter's first values, as the weights file has them.
func (p *Plan) Values(parameter string) ([]float32, error) {
	for _, param := range p.Network.Parameters {
		if param.Name != parameter {
			continue
		}
		switch {
		case p.values != nil:
			return p.values(parameter)
		case p.drawn():
			return draw(p.stream("parameter/"+param.Name), param), nil
		case p.Weights != nil:
			return nil, fmt.Errorf("network %q: its weights are those of %s, which was not read", p.Network.Name, p.Weights.File)
		}
		return nil, fmt.Errorf("network %q: its weights have batch normalisations folded into them, which plan.json does not have", p.Network.Name)
	}
	return nil, fmt.Errorf("network %q: no parameter %q", p.Network.Name, parameter)
}
