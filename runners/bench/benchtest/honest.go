package benchtest

import (
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/parity/paritytest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Honest is a runner that writes what the stage's judge writes, when it is
// verified and when it is timed.
func Honest() enginetest.Runner { return writing(1) }

// Wrong is one whose every number is off by a thousandth.
func Wrong() enginetest.Runner { return writing(1.001) }

func writing(factor float64) enginetest.Runner {
	oracle := func(p *plan.Plan, params protocol.VerifyParams) (paritytest.Values, error) {
		all, err := paritytest.Oracle(p, params)
		for _, v := range all {
			for i := range v.Data {
				v.Data[i] *= factor
			}
		}
		return all, err
	}
	return enginetest.Runner{
		Verify: func(p *plan.Plan, params protocol.VerifyParams) error {
			all, err := oracle(p, params)
			if err != nil {
				return err
			}
			return all.Write(params.Output)
		},
		Output: func(p *plan.Plan, slot int, path string) error {
			all, err := oracle(p, protocol.VerifyParams{})
			if err != nil {
				return err
			}
			name := "output." + p.Network.Outputs[0]
			if slot == 1 {
				name += ".slot1"
			}
			return paritytest.Values{"output": all[name]}.Write(path)
		},
	}
}
