package recovery

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// The table of causes in docs/FORMAT.md has every cause, and of each the classes that it documents.
func TestFormatHasTheTableOfCauses(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| cause | documents |\n|---|---|\n")
	for _, cause := range chain.Causes {
		var classes []string
		for _, class := range causes[cause] {
			classes = append(classes, fmt.Sprintf("`%s`", class))
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", cause, strings.Join(classes, ", "))
	}
	text, err := os.ReadFile("../docs/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), b.String()+"\n") {
		t.Errorf("docs/FORMAT.md does not hold the table of causes as the code has it, which is:%s", b.String())
	}
}
