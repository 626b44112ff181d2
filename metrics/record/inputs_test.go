package record_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// One set of files can be slices for one network and volumes for another.
func TestInputsInWords(t *testing.T) {
	digest := strings.Repeat("0123456789abcdef", 4)
	of := func(source string, n int, formats ...string) record.Workload {
		return record.Workload{Inputs: &record.Inputs{Source: source, Formats: formats, SHA256: digest, Images: n, Classes: 2}}
	}
	images := of(record.ImageInputs, 30)
	slices := of(record.SliceInputs, 120, "dicom", "nifti")
	volumes := of(record.VolumeInputs, 4, "dicom", "nifti")
	generated := record.Workload{Inputs: &record.Inputs{Source: record.GeneratedInputs}}
	masked := of(record.VolumeInputs, 4, "nifti")
	masked.Inputs.Masks = 3
	for want, workloads := range map[string][]record.Workload{
		"4 volumes of NIfTI with masks in 2 folders (SHA-256 0123456789ab)": {masked},
		"":                        nil,
		"generated from the seed": {generated, {}},
		"30 images in 2 folders (SHA-256 0123456789ab)": {images, images},
		"120 slices of DICOM and NIfTI in 2 folders (SHA-256 0123456789ab); 4 volumes of DICOM and NIfTI in 2 folders (SHA-256 0123456789ab)": {slices, volumes, slices},
		"3 slices of images and NIfTI in 2 folders (SHA-256 0123456789ab)":                                                                    {of(record.SliceInputs, 3, "images", "nifti")},
	} {
		if got := (&record.Record{Workloads: workloads}).InputsText(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
