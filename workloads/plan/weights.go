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

// Values are a parameter's first values, as the weights file has them.
func (p *Plan) Values(parameter string) ([]float32, error) {
	for _, param := range p.Network.Parameters {
		if param.Name != parameter {
			continue
		}
		if p.Weights == nil {
			return draw(p.stream("parameter/"+param.Name), param), nil
		}
		if p.values == nil {
			return nil, fmt.Errorf("network %q: its weights are those of %s, which was not read", p.Network.Name, p.Weights.File)
		}
		return p.values(parameter)
	}
	return nil, fmt.Errorf("network %q: no parameter %q", p.Network.Name, parameter)
}
