package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// strictCodes are the codes that the request names; "all" is every one.
func strictCodes(named []string) ([]string, error) {
	var all []string
	for _, c := range record.Explanations {
		all = append(all, c.Code)
	}
	if slices.Contains(named, "all") {
		return all, nil
	}
	for _, code := range named {
		if !slices.Contains(all, code) {
			return nil, unknown("warning", code, all)
		}
	}
	return named, nil
}

// refuse is an error when one of the warnings is of a code that is not
// accepted.
func refuse(strict []string, warnings []record.Warning) error {
	var texts, remedies []string
	for _, w := range warnings {
		if !slices.Contains(strict, w.Code) {
			continue
		}
		texts = append(texts, fmt.Sprintf("%s (%s): %s", w.Code, w.Scope, w.Text))
		if c, ok := record.Explain(w.Code); ok && !slices.Contains(remedies, c.Remedy) {
			remedies = append(remedies, c.Remedy)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return EnvironmentError(fmt.Errorf("--strict: %s", strings.Join(texts, "; ")), strings.Join(remedies, "; "))
}
