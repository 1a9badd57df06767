package main

import (
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/internal/where"
)

const flagWhere = "where"

// whereHelp is what there is to know for writing an expression.
const whereHelp = `--where takes an expression over ts, event, actor and payload, as expr-lang.org
has them: == != < <= > >= in contains startsWith endsWith matches, and or not,
+ - * / %, ?: ?? let, ["a", "b"], the functions len type keys lower upper trim
int float string, and any all none one count filter find map of a list, with #
for its element. A member that a record does not have is nil, which is no
mistake: < and the like are false of it. Where a value is of another type than
the expression wants, nobody can say whether the record is meant: it is counted
apart from the hits, and the search ends with 5.`

// whereExpr is what --where says; nil where it says nothing.
func (c *call) whereExpr() (*where.Expr, error) {
	text := c.cli.String(flagWhere)
	if text == "" {
		return nil, nil //nolint:nilnil // it holds of every record
	}
	e, err := where.Compile(text)
	if err != nil {
		what, shown, _ := strings.Cut(err.Error(), "\n")
		return nil, &usageError{fmt.Sprintf("--%s: %s; opscontext %s --help says what it may hold", flagWhere, what, searchName), shown}
	}
	return e, nil
}

// undecidedWords says of how many records --where left open whether they are hits, and what to do.
func undecidedWords(s search.Summary) string {
	return fmt.Sprintf("--%s could not be evaluated on %s, which may be missing among the hits; the first is %s: leave such records out with --%s, or before the rest of the expression with type(...) == \"number\" and",
		flagWhere, terminal.Plural(s.Undecided, "record"), s.FirstUndecided, flagKind)
}
