// Package kinds sorts the kinds of events into the four categories of ISO 27001 A.12.4.1 (A.8.15 in the
// 2022 edition): user activities, exceptions, faults and information security events. There is one
// [Table]; every search, count and document goes by it.
//
// The rule. A kind that the published compliance page of existing installs puts somewhere stands
// there, so that an auditor who holds that page finds what it promises: hook.block and
// policy.violation are faults of the work that was checked, whoever would rather have them among
// security. Any other kind stands in the first of these that is true of every record of it:
//
//   - security: a protection was tried, got round, weakened, set up or taken down; or what the log
//     vouches for changed, by a redaction, a break, a documented loss or records put back.
//   - fault: a part did not do its work, so that something failed, was lost or was not recorded.
//   - exception: work went on otherwise than was expected: a limit, a refusal, a drift of the model.
//   - user-activity: the ordinary course, of people, of the tools that work for them, and of the
//     service and the log that keep it.
//
// A kind is sorted by its name alone, as a payload is free. What is not in the table is [Unknown]: it
// is shown as such, and put nowhere.
package kinds

import (
	"fmt"
	"slices"
	"strings"
)

// Category is one of the four of A.12.4.1, or [Unknown].
type Category string

// The categories.
const (
	UserActivity Category = "user-activity"
	Exception    Category = "exception"
	Fault        Category = "fault"
	Security     Category = "security"
	// Unknown is the category of kinds that the table does not have.
	Unknown Category = "unknown"
)

// Categories are all of them, in the order in which they are shown.
var Categories = []Category{UserActivity, Exception, Fault, Security, Unknown}

// ParseCategory reads one of [Categories].
func ParseCategory(s string) (Category, error) {
	if c := Category(s); slices.Contains(Categories, c) {
		return c, nil
	}
	return "", fmt.Errorf("%q is none of user-activity, exception, fault, security and unknown", s)
}

// Kind is one kind of event.
type Kind struct {
	Name     string
	Category Category
	Meaning  string // what a record of it says happened
}

// ImportedPrefix stands before the kind of a record that was taken over from elsewhere where only the
// log itself may write that kind. It belongs where the kind does.
const ImportedPrefix = "imported."

// CategoryOf gives the category of a kind.
func CategoryOf(name string) Category {
	for strings.HasPrefix(name, ImportedPrefix) {
		name = name[len(ImportedPrefix):]
	}
	i, known := slices.BinarySearchFunc(Table, name, func(k Kind, name string) int { return strings.Compare(k.Name, name) })
	if !known {
		return Unknown
	}
	return Table[i].Category
}
