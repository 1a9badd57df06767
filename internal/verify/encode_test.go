package verify_test

import (
	"encoding/json"
	"testing"

	"github.com/opscontext/opscontext/internal/report"
)

func encode(t *testing.T, r *report.Report) []byte {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
