package terminal

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestIndentJSON(t *testing.T) {
	for in, want := range map[string]string{
		`1`:                          `1`,
		`{}`:                         `{}`,
		`[]`:                         `[]`,
		`"a"`:                        `"a"`,
		`{"a":1,"b":[1,{"c":null}]}`: "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {\n      \"c\": null\n    }\n  ]\n}",
		`{"a":{},"b":[]}`:            "{\n  \"a\": {},\n  \"b\": []\n}",
		`["{,:}\"\\"]`:               "[\n  \"{,:}\\\"\\\\\"\n]",
		"[\"\u202e\u009b31m\x7f\"]":  "[\n  \"\\u202e\\u009b31m\\u007f\"\n]",
		"[\"\U000e0041ü日\"]":         "[\n  \"\\udb40\\udc41ü日\"\n]",
	} {
		if got := strings.Join(IndentJSON([]byte(in), "  "), "\n"); got != want {
			t.Errorf("%s is shown\n%s\nwant\n%s", in, got, want)
		}
	}
}

// Whatever the JSON says, its lines are the same value, and nothing of them steers a terminal. What is
// no JSON does no harm.
func FuzzIndentJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"\u001b"]}`, "\"\u202e\"", `{"a`, `]]`, "\xff\x1b", `"\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := IndentJSON([]byte(text), " ")
		for _, line := range lines {
			for _, r := range line {
				if r != '\\' && r != '\ufffd' && !visible(r) {
					t.Fatalf("%q shows %q", text, r)
				}
			}
		}
		var before, after any
		if json.Unmarshal([]byte(text), &before) != nil || strings.ContainsAny(text, " \t\r\n") {
			return
		}
		if err := json.Unmarshal([]byte(strings.Join(lines, "")), &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Fatalf("%s is shown as %q: %v", text, lines, err)
		}
	})
}
