package ecmajson

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestScanValue(t *testing.T) {
	canonical := []string{
		`null`, `true`, `false`, `""`, `[]`, `{}`, `[[]]`, `[{}]`, `{"":{}}`, `[null,true,false]`,
		`0`, `1`, `-1`, `10`, `123456789`, `999999999999999`, `-999999999999999`, `9007199254740991`, `9007199254740992`, `12345678901234567000`, `100000000000000000000`,
		`0.1`, `-0.5`, `1.5`, `123.456`, `0.000001`, `0.00000123`, `-0.0000012345678901234567`, `0.30000000000000004`, `1.7976931348623157e+308`, `1e+21`, `1.5e+21`, `1e-7`, `5e-324`, `999999999999.001`,
		`"plain"`, `"\"\\\b\f\n\r\t"`, `"\u0000\u001f\u000b"`, "\"/</&>\x7f\u0080\u2028\ufeff\uffff😀\"", `"\ud800"`, `"\udc00"`, `"\udc00\ud800"`, `"\ud83d\ud83d"`, `"\ud800\n\udc00"`, `"\ud800x"`, `"\\ud800\\udc00"`, `"\ud800\\udc00"`,
		`{"a":1}`, `{"b":1,"a":2}`, `{"0":1,"2":2,"10":3,"b":4,"a":5}`, `{"4294967294":1,"4294967295":2}`, `{"4294967295":2,"01":3,"-1":4,"1.5":5}`, `{"a":{"a":{"a":1}}}`, `{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`, `{"hash":1,"HASH":2}`, `{"__proto__":1}`, `{"\ud800":1,"\ud801":2}`,
	}
	for _, text := range canonical {
		if !isCanonical(t, text) {
			t.Errorf("not canonical after all: %s", text)
		}
		for _, behind := range []string{"", "}", `,"prev_hash":"00"`, "\n", `"`, "\xFF", "]]]]]]]]]]]]]]]]"} {
			for _, before := range []string{"", `{"payload":`} {
				b := []byte(before + text + behind)
				if got, want := ScanValue(b, len(before), 9), len(before)+len(text); got != want {
					t.Errorf("ScanValue(%s, %d) = %d, want %d", b, len(before), got, want)
				}
			}
		}
	}
	other := []string{
		``, ` `, ` 1`, `nul`, `nulL`, `True`, `x`, `,`, `]`, `}`, `"`, `"a`, `"a\`, `"a\"`, `[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 ,2]`, `[ ]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{ }`, `{"a" :1}`, `{"a": 1}`, `{"a":1 }`, `{a:1}`, `{1:1}`, `[1}`, `{"a":1]`,
		`-`, `-0`, `+1`, `01`, `-01`, `00`, `1.`, `.5`, `1.0`, `1.50`, `0.0`, `-0.0`, `1e0`, `1E+21`, `1e21`, `10e+20`, `1e`, `1e+`, `--1`, `1-`, `1.2.3`, `9007199254740993`, `12345678901234567890`, `123456789012345678901234567890`, `0.1000000000000000055`, `0.0000001`, `0.00000012`, `1e-6`, `1e400`, `1e+400`, `0.30000000000000001`, `1000000000000000000000`, `0.0000000000000000000000000000001`,
		`"\/"`, `"\u0041"`, `"\u0008"`, `"\u000a"`, `"\u000A"`, `"\u001F"`, `"\u0022"`, `"\u005c"`, `"\u007f"`, `"\u00e9"`, `"\uD800"`, `"\ud83d\ude00"`, `"\ud800\udbff\udc00"`, `"\u12"`, `"\u12`, `"\u00"`, `"\x00"`, `"\'"`, `"\"`, "\"\n\"", "\"\x00\"", "\"a\x1f\"",
		"\"\xFF\"", "\"\xC3\"", "\"\xE2\x82\"", "\"\xED\xA0\x80\"", "\"\xC0\xAF\"", "\"long enough to be read in words \x80 \"", "\"é\xFF\"", "{\"\xFF\":1}",
		`{"a":1,"a":1}`, `{"a":1,"b":2,"a":3}`, `{"":1,"":2}`, `{"a":1,"0":2}`, `{"1":1,"0":2}`, `{"1":1,"1":2}`, `{"a":{"b":1,"b":2}}`, `[{"b":1,"b":2}]`, `{"a":1,"\u0061":2}`, `{"\u0061":1}`, `{"\ud800":1,"\ud800":2}`,
	}
	for _, text := range other {
		if isCanonical(t, text) {
			t.Errorf("canonical after all: %s", text)
		}
		for _, behind := range []string{"", strings.Repeat(" ", 20)} {
			// A part of it may well be canonical: the whole must not be.
			if got := ScanValue([]byte(text+behind), 0, 9); got != -1 && got >= len(text) {
				t.Errorf("ScanValue(%s) = %d", text+behind, got)
			}
		}
	}
}

// isCanonical is ScanValue by its definition.
func isCanonical(t *testing.T, text string) bool {
	t.Helper()
	v, _, err := Parse([]byte(text), 9)
	return err == nil && string(AppendStringify(nil, v)) == text
}

func TestScanOutsideTheText(t *testing.T) {
	b := []byte(`"a"`)
	for _, i := range []int{-1, 3, 4, 1 << 40} {
		if got := ScanValue(b, i, 9); got != -1 {
			t.Errorf("ScanValue(b, %d) = %d", i, got)
		}
		if got := ScanString(b, i); got != -1 {
			t.Errorf("ScanString(b, %d) = %d", i, got)
		}
	}
	if got := ScanString(b, 1); got != -1 {
		t.Errorf("ScanString in the middle of a string = %d", got)
	}
	if got := ScanValue([]byte("[]"), 0, -1); got != -1 {
		t.Errorf("ScanValue with no level at all = %d", got)
	}
}

// A special character is seen wherever it stands, whatever stands around it.
func TestScanStringAtEveryPlace(t *testing.T) {
	const longest = 40
	for _, c := range []struct {
		text  string
		right bool
	}{
		{`\n`, true}, {`\"`, true}, {"é", true}, {"😀", true}, {"\uFFFD", true}, {`\ud800`, true}, {" ", true}, {"!", true}, {"#", true}, {"[", true}, {"]", true}, {"\x7f", true},
		{"\n", false}, {"\x00", false}, {"\x1f", false}, {`\x`, false}, {"\x80", false}, {"\xFF", false}, {`\ud800\udc00`, false}, {"\xE2\x82", false},
	} {
		for _, fill := range []string{"a", "\x7f", "!", "]", "é"} {
			for before := range longest {
				for _, after := range []int{0, 1, 7, 8, 17} {
					text := `"` + strings.Repeat(fill, before) + c.text + strings.Repeat(fill, after) + `"`
					want := -1
					if c.right {
						want = len(text)
					}
					for _, behind := range []string{"", `,"next":"value of some length"`} {
						if got := ScanString([]byte(text+behind), 0); got != want {
							t.Fatalf("ScanString(%q) = %d, want %d", text+behind, got, want)
						}
					}
				}
			}
		}
	}
}

// The fast ways to judge a number agree with reading and writing it.
func TestScanNumberByDefinition(t *testing.T) {
	check := func(text string) {
		t.Helper()
		want := -1
		if isCanonical(t, text) {
			want = len(text)
		}
		for _, behind := range []string{"", ",", `,"name":1`, "/1234567", ":1234567"} {
			if got := ScanValue([]byte(text+behind), 0, 0); got != want {
				t.Fatalf("ScanValue(%s) = %d, want %d", text+behind, got, want)
			}
		}
	}
	for whole := range 1200 {
		for _, fraction := range []string{"", ".", ".0", ".1", ".10", ".01", ".000001", ".0000001", ".00000123"} {
			check(strconv.Itoa(whole) + fraction)
			check("-0" + strconv.Itoa(whole) + fraction)
		}
	}
	for digits := 1; digits <= 24; digits++ {
		for point := 0; point <= digits; point++ {
			for _, all := range []string{strings.Repeat("9", digits), strings.Repeat("123456789", 3)[:digits], strings.Repeat("0", digits-1) + "7", "1" + strings.Repeat("0", digits-1)} {
				check(all[:point] + "." + all[point:])
				check("0." + strings.Repeat("0", point) + all)
				check(all + strings.Repeat("0", point))
				check("-" + all)
			}
		}
	}
}

// However many members an object has, a name that comes twice is found wherever it stands.
func TestScanDuplicates(t *testing.T) {
	for _, count := range []int{2, 3, manyNames - 1, manyNames, manyNames + 1, manyNames + 2, 3 * manyNames, 200} {
		names := make([]string, count)
		for i := range names {
			names[i] = fmt.Sprintf("name%d", i*i)
		}
		if text := objectOf(names); ScanValue(text, 0, 2) != len(text) {
			t.Errorf("%d names, all different: not taken", count)
		}
		for i := range count {
			for j := range i {
				if count > 60 && (i*count+j)%97 != 0 {
					continue
				}
				kept := names[i]
				names[i] = names[j]
				if got := ScanValue(objectOf(names), 0, 2); got != -1 {
					t.Errorf("%d names, the %dth like the %dth: ScanValue = %d", count, i, j, got)
				}
				names[i] = kept
			}
		}
	}
	for _, count := range []int{5, 100} { // array indices come first
		names := make([]string, count)
		for i := range names {
			names[i] = strconv.Itoa(3 * i)
		}
		text := objectOf(append(names, "a", "b"))
		if ScanValue(text, 0, 2) != len(text) {
			t.Errorf("%d array indices: not taken", count)
		}
		if got := ScanValue(objectOf(append(names, "a", "1000")), 0, 2); got != -1 {
			t.Errorf("an array index behind a name: ScanValue = %d", got)
		}
		if got := ScanValue(objectOf(append(names, names[count-1])), 0, 2); got != -1 {
			t.Errorf("an array index twice: ScanValue = %d", got)
		}
	}
}

func objectOf(names []string) []byte {
	return []byte(`{"` + strings.Join(names, `":{},"`) + `":{}}`)
}

func TestScanValueAllocatesNothing(t *testing.T) {
	texts, _ := payloads(50)
	texts = append(texts, []byte(`{"a":[1.25e-7,0.30000000000000004,12345678901234567000,"\ud800 日本",{"b":{"c":{"d":[[[[true]]]]}}}]}`))
	if n := testing.AllocsPerRun(100, func() {
		for _, text := range texts {
			if ScanValue(text, 0, MaxDepth) != len(text) {
				t.Fatalf("not canonical: %s", text)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d texts", n, len(texts))
	}
}
