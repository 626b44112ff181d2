package device_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
)

func cards() []device.Card {
	card := func(index int, uuid string) device.Card {
		return device.Card{GPU: record.GPU{Index: index, Name: "H100", UUID: uuid, Driver: "570.1", ComputeCapability: "9.0"}}
	}
	split := card(2, "GPU-77aa")
	split.MIG, split.Instances = true, []record.GPU{{Index: 3, UUID: "MIG-01"}, {Index: 4, UUID: "MIG-02"}}
	return []device.Card{card(0, "GPU-8d3f"), card(1, "GPU-8e00"), split}
}

func TestParseAndFind(t *testing.T) {
	for text, want := range map[string]string{
		"cpu":                   "cpu",
		"gpu":                   "gpu:0=GPU-8d3f",
		"gpu:1":                 "gpu:1=GPU-8e00",
		"gpu:1,0":               "gpu:1=GPU-8e00 gpu:0=GPU-8d3f",
		"gpu:01":                "gpu:1=GPU-8e00",
		"gpu:GPU-8d3f":          "gpu:0=GPU-8d3f",
		"gpu:gpu-8E":            "gpu:1=GPU-8e00",
		"gpu:MIG-01,MIG-02,0":   "gpu:3=MIG-01 gpu:4=MIG-02 gpu:0=GPU-8d3f",
		"gpu:2:1":               "gpu:4=MIG-02",
		"gpu:4":                 "gpu:4=MIG-02",
		"gpu:5":                 "! no GPU 5 here; there is gpu:0 (H100, GPU-8d3f), gpu:1 (H100, GPU-8e00), gpu:3 (H100, MIG-01), gpu:4",
		"gpu:2:5":               "! no GPU 2:5 here",
		"gpu:GPU-9":             "! no GPU GPU-9 here",
		"gpu:GPU-8":             "! several GPUs begin with GPU-8",
		"gpu:2":                 "! gpu:2 is split by MIG and computes only in its instances: name one of gpu:3",
		"gpu:0,GPU-8d3f":        "! gpu:0 is asked for twice",
		"":                      `!! device "": expected cpu, gpu, gpu:1`,
		"cpu:0":                 `!! device "cpu:0": expected cpu`,
		"gpus":                  "!! expected cpu",
		"GPU-8d3f":              "!! expected cpu",
		"gpu:":                  `!! "" names no GPU`,
		"gpu:0,":                `!! "" names no GPU`,
		"gpu:-1":                `!! "-1" names no GPU`,
		"gpu:one":               `!! "one" names no GPU`,
		"gpu:GPU-":              `!! "GPU-" names no GPU`,
		"gpu:0,0":               "!! 0 is there twice",
		"gpu:GPU-8d3f,gpu-8d3f": "!! gpu-8d3f is there twice",
	} {
		t.Run(text, func(t *testing.T) {
			wanted, err := device.Parse(text)
			if says, broken := strings.CutPrefix(want, "!! "); broken {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("error is %v, want %q", err, says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found, err := wanted.Find(cards())
			if says, absent := strings.CutPrefix(want, "! "); absent {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("error is %v, want %q", err, says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range found {
				got = append(got, strings.TrimSuffix(d.Name+"="+d.UUID(), "="))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("found %v, want %s", got, want)
			}
			// A run that goes on asks by the terms of the record.
			again, err := device.Parse(device.Terms(found))
			if err != nil {
				t.Fatal(err)
			}
			if same, err := again.Find(cards()); err != nil || device.Terms(same) != device.Terms(found) {
				t.Errorf("the terms %q are read as %v, %v", device.Terms(found), same, err)
			}
		})
	}
}

// Number 0 is not there where others were given it, or where it is broken.
func TestTheFirstCardIsTheFirstThatCanBeUsed(t *testing.T) {
	wanted, err := device.Parse("gpu")
	if err != nil {
		t.Fatal(err)
	}
	found, err := wanted.Find(cards()[1:])
	if err != nil || len(found) != 1 || found[0].Name != "gpu:1" || found[0].UUID() != "GPU-8e00" {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := wanted.Find(nil); err == nil {
		t.Error("there is no card, and one is found")
	}
}

func TestConfirm(t *testing.T) {
	card := device.Device{Name: "gpu:0", Card: record.GPU{UUID: "GPU-8d3f"}}
	part := device.Device{Name: "gpu:0:0", Card: record.GPU{UUID: "GPU-8d3f"}, Instance: "MIG-01"}
	for name, tt := range map[string]struct {
		given       device.Device
		kind, uuid  string
		doubt, says string
	}{
		"it is the one":              {card, "gpu", "GPU-8d3f", "", ""},
		"written without its prefix": {card, "gpu", "8D3F", "", ""},
		"another card":               {card, "gpu", "GPU-8e00", "", "asked for GPU-8d3f, the runner computes on GPU-8e00"},
		"the CPU":                    {card, "cpu", "", "", "asked for GPU-8d3f, the runner computes on the CPU"},
		"no kind":                    {card, "", "", "", `asked for GPU-8d3f, the runner computes on ""`},
		"no UUID":                    {card, "gpu", "", "cannot tell which GPU", ""},
		"the instance":               {part, "gpu", "GPU-01", "", ""},
		"the instance's card":        {part, "gpu", "GPU-8d3f", "the card that it is a part of", ""},
		"another instance":           {part, "gpu", "MIG-02", "", "asked for MIG-01, the runner computes on MIG-02"},
		"the CPU, as asked":          {device.CPU, "cpu", "", "", ""},
		"nothing, on the CPU":        {device.CPU, "", "", "", ""},
		"a GPU instead of the CPU":   {device.CPU, "gpu", "GPU-8d3f", "", "asked for the CPU, the runner computes on a GPU"},
	} {
		t.Run(name, func(t *testing.T) {
			doubt, err := tt.given.Confirm(tt.kind, tt.uuid)
			if !strings.Contains(doubt, tt.doubt) || (doubt == "") != (tt.doubt == "") {
				t.Errorf("doubt is %q, want %q", doubt, tt.doubt)
			}
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v, want %q", err, tt.says)
			}
		})
	}
}

func TestADeviceIsHandedOverByItsUUID(t *testing.T) {
	part := device.Device{Name: "gpu:2:0", Card: record.GPU{Name: "H100", UUID: "GPU-77aa", Driver: "570.1"}, Instance: "MIG-01"}
	if got := part.UUIDs(); len(got) != 1 || got[0] != "MIG-01" {
		t.Errorf("handed over are %v", got)
	}
	if part.Inside() != "gpu:0" || part.Identity() != "gpu H100 MIG-01 570.1" {
		t.Errorf("inside it is %s, its identity %q", part.Inside(), part.Identity())
	}
	if c := device.CPU; c.UUIDs() != nil || c.Inside() != "cpu" || c.Identity() != "cpu" || c.GPU() {
		t.Errorf("the CPU is %+v", c)
	}
}
