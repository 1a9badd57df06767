package ecmajson

import (
	"errors"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	cases := []struct {
		name, text, want string
		odd              Oddities
	}{
		{"white space", " \t\r\n{ \"a\" : [ 1 , 2 ] }\n", `{"a":[1,2]}`, 0},
		{"literals", `[null,true,false]`, `[null,true,false]`, 0},
		{"escapes", `"\u0041\/\b\f\n\r\t\"\\"`, `"A/\b\f\n\r\t\"\\"`, 0},
		{"control characters", `"\u0000\u001F\u0008\u000B\u007f"`, `"\u0000\u001f\b\u000b` + "\x7f\"", 0},
		{"what others escape", `"</&>\u2028\u2029"`, "\"</&>\u2028\u2029\"", 0},
		{"composed and decomposed stay apart", `{"é":1,"e\u0301":2}`, "{\"é\":1,\"e\u0301\":2}", 0},
		{"pair", `"\ud83d\ude00"`, `"😀"`, 0},
		{"lone surrogates", `"\ud800\uDBFF\uDC00 \udfff\ud83d"`, "\"\\ud800\U0010FC00 \\udfff\\ud83d\"", 0},
		{"surrogate and character", `"\ud83dA\ude00"`, `"\ud83dA\ude00"`, 0},
		{"surrogates as bytes are none", "\"\xED\xA0\x80\"", `"` + strings.Repeat("\uFFFD", 3) + `"`, IllFormedUTF8},
		{"surrogate as an escape and as bytes", "\"\\ud83d\xED\xB8\x80\"", `"\ud83d` + strings.Repeat("\uFFFD", 3) + `"`, IllFormedUTF8},
		{"truncated characters", "\"\xE2\x82 \xF0\x9F\x98\xFF\"", "\"\uFFFD \uFFFD\uFFFD\"", IllFormedUTF8},
		{"character cut by an escape", "\"\xE2\x82\\n\xAC\"", "\"\uFFFD\\n\uFFFD\"", IllFormedUTF8},
		{"names that become one", "{\"\xFF\":1,\"\xFE\":2}", "{\"\uFFFD\":2}", IllFormedUTF8 | DuplicateMember},

		{"integers", `[0,-0,1,-1]`, `[0,0,1,-1]`, 0},
		{"one value, many forms", `[1.0,1e0,10e-1,0.1e1]`, `[1,1,1,1]`, 0},
		{"small", `[0.000001,0.0000001,123e-20,5e-324,2e-324,1e-400]`, `[0.000001,1e-7,1.23e-18,5e-324,0,0]`, 0},
		{"large", `[1e20,1e21,123456789012345680000,1.7976931348623157e308]`, `[100000000000000000000,1e+21,123456789012345680000,1.7976931348623157e+308]`, 0},
		{"more digits than a double", `[9007199254740993,12345678901234567890,0.1000000000000000055]`, `[9007199254740992,12345678901234567000,0.1]`, 0},
		{"beyond a double", `[1e400,-1e400,1.7976931348623159e308]`, `[null,null,null]`, NumberAsNull},
		{"beyond a double where nobody looks", `{"a":1e400,"a":1}`, `{"a":1}`, NumberAsNull | DuplicateMember},

		{"array indices first", `{"b":1,"10":2,"2":3,"a":4}`, `{"2":3,"10":2,"b":1,"a":4}`, 0},
		{"not array indices", `{"01":1,"-1":2,"1.5":3,"1e3":4,"4294967295":5,"":6,"0":7,"4294967294":8}`, `{"0":7,"4294967294":8,"01":1,"-1":2,"1.5":3,"1e3":4,"4294967295":5,"":6}`, 0},
		{"array index in an escape", `{"a":1,"\u0031":2}`, `{"1":2,"a":1}`, 0},
		{"duplicate: last value, first place", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`, DuplicateMember},
		{"duplicate in another spelling", `{"a":1,"\u0061":2}`, `{"a":2}`, DuplicateMember},
		{"duplicate far down", `[[{"x":{"a":1,"a":1}}]]`, `[[{"x":{"a":1}}]]`, DuplicateMember},
		{"duplicate array index", `{"7":1,"7":2}`, `{"7":2}`, DuplicateMember},
		{"duplicate of a lone surrogate", `{"\ud800":1,"\uD800":2}`, `{"\ud800":2}`, DuplicateMember},
		{"names differ in case", `{"hash":1,"HASH":2}`, `{"hash":1,"HASH":2}`, 0},
		{"names with a meaning elsewhere", `{"constructor":1,"__proto__":{"a":1},"toJSON":2}`, `{"constructor":1,"__proto__":{"a":1},"toJSON":2}`, 0},
		{"empty", `[{},[],"",{"":""}]`, `[{},[],"",{"":""}]`, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, odd, err := Parse([]byte(c.text), 10)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(AppendStringify([]byte("x"), v)); got != "x"+c.want {
				t.Errorf("%q is written %s, want %s", c.text, got[1:], c.want)
			}
			if odd != c.odd {
				t.Errorf("%q: oddities %v, want %v", c.text, odd, c.odd)
			}
			agrees(t, []byte(c.text), []byte(c.want))
		})
	}
}

func TestB2ParseRefuses(t *testing.T) {
	cases := []struct {
		text string
		at   int // the byte that the error names
		say  string
	}{
		{"", 0, "ends too early"},
		{" \n", 2, "ends too early"},
		{`{"a":`, 5, "ends too early"},
		{`["a`, 3, "ends too early"},
		{`[1,`, 3, "ends too early"},
		{`nul`, 3, "ends too early"},
		{`"\ud8`, 5, "ends too early"},
		{`"\ud8"`, 1, `\ud8`},
		{`[1,]`, 2, `","`},
		{`[1 2]`, 3, `'2'`},
		{`{"a" 1}`, 5, `'1'`},
		{`{a:1}`, 1, `'a'`},
		{`{1:1}`, 1, `"1"`},
		{`[01]`, 2, `'1'`},
		{`-`, 1, "ends too early"},
		{`[1.]`, 3, `']'`},
		{`+1`, 0, `'+'`},
		{`NaN`, 0, `'N'`},
		{`{} x`, 3, `"x"`},
		{"1\u00a0", 1, `"\u00a0"`},
		{"\ufeff1", 0, `'\ufeff'`},
		{"\v1", 0, `'\v'`},
		{"[\"a\nb\"]", 3, `'\n'`},
		{`"\x41"`, 1, `\x`},
		{"\xff", 0, `\xff`},
		{"1\x00", 1, `\x00`},
	}
	for _, c := range cases {
		_, _, err := Parse([]byte(c.text), 10)
		if !errors.Is(err, ErrSyntax) {
			t.Errorf("Parse(%q): error %v, want one of syntax", c.text, err)
			continue
		}
		if at := "at byte " + strconv.Itoa(c.at); !strings.Contains(err.Error(), at) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("Parse(%q): %q, want it to say %q and %q", c.text, err, at, c.say)
		}
	}
}

func TestB2Depth(t *testing.T) {
	nested := func(open, inside, shut string, levels int) []byte {
		return []byte(strings.Repeat(open, levels) + inside + strings.Repeat(shut, levels))
	}
	for _, c := range []struct {
		name   string
		text   []byte
		levels int
	}{
		{"scalar", []byte(`1`), 0},
		{"array", []byte(`[]`), 1},
		{"side by side", []byte(`[[],{},[]]`), 2},
		{"object", nested(`{"a":`, "1", "}", 7), 7},
		{"as deep as it goes", nested("[", "", "]", MaxDepth), MaxDepth},
		{"objects as deep as it goes", nested(`{"a":`, "{}", "}", MaxDepth-1), MaxDepth},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, _, err := Parse(c.text, c.levels)
			if err != nil {
				t.Fatalf("%d levels: %v", c.levels, err)
			}
			if got := AppendStringify(nil, v); string(got) != string(c.text) {
				t.Error("written differently from what was read")
			}
			if end := ScanValue(c.text, 0, c.levels); end != len(c.text) {
				t.Errorf("ScanValue = %d of %d", end, len(c.text))
			}
			if c.levels == 0 {
				return
			}
			if _, _, err := Parse(c.text, c.levels-1); !errors.Is(err, ErrDepth) {
				t.Errorf("%d levels where %d are allowed: error %v, want ErrDepth", c.levels, c.levels-1, err)
			}
			if end := ScanValue(c.text, 0, c.levels-1); end != -1 {
				t.Errorf("ScanValue = %d where one level less is allowed", end)
			}
		})
	}
	t.Run("deeper than anybody may ask for", func(t *testing.T) {
		for _, open := range []string{"[", `{"a":`} {
			text := []byte(strings.Repeat(open, 2_000_000))
			if _, _, err := Parse(text, math.MaxInt); !errors.Is(err, ErrDepth) {
				t.Errorf("Parse: error %v, want ErrDepth", err)
			}
			if end := ScanValue(text, 0, math.MaxInt); end != -1 {
				t.Errorf("ScanValue = %d", end)
			}
		}
	})
}

// strconv alone reads the first three of these as zero or as infinite.
func TestParseNumberWhoseDigitsOutweighItsExponent(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("0", n) }
	for name, c := range map[string]struct{ text, want string }{
		"small digits":         {"0." + zeros(1_000_000) + "1234e1000001", "1.234"},
		"large digits":         {"-1" + zeros(100_000) + "e-100000", "-1"},
		"large fraction":       {"12" + zeros(20_000) + ".5E-20001", "1.2"},
		"rounding":             {strings.Repeat("9", 1_000_000) + "e-999999", "10"},
		"beyond a double":      {"1" + zeros(100_000), "null"},
		"smallest":             {"5" + zeros(1000) + "e-1324", "5e-324"},
		"below a double":       {"0." + zeros(100_000) + "1", "0"},
		"just a double":        {"1" + zeros(1308) + "e-1000", "1e+308"},
		"just beyond a double": {"1" + zeros(1309) + "e-1000", "null"},
		"nothing":              {"-0." + zeros(5000) + "e99999999999999999999999", "0"},
		"no sane exponent":     {zeros(1) + "." + zeros(5000) + "1e99999999999999999999999", "null"},
		"nor this one":         {strings.Repeat("7", 5000) + "e-99999999999999999999999", "0"},
	} {
		v, odd, err := Parse([]byte(c.text), 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := string(AppendStringify(nil, v)); got != c.want {
			t.Errorf("%s: written %s, want %s", name, got, c.want)
		}
		if odd.Has(NumberAsNull) != (c.want == "null") {
			t.Errorf("%s: oddities %v", name, odd)
		}
	}
}

// Each of these takes many seconds where the time is not linear, and a fraction of one where it is.
func TestA28TimeIsLinear(t *testing.T) {
	object := func(count int, name func(i int) string) []byte {
		b := []byte("{")
		for i := range count {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `"`+name(i)+`":0`...)
		}
		return append(b, '}')
	}
	const count = 100_000
	for name, text := range map[string][]byte{
		"names":         object(count, func(i int) string { return "name" + strconv.Itoa(i) }),
		"alike names":   object(count/10, func(i int) string { return strings.Repeat("x", 300) + strconv.Itoa(i+count) }),
		"array indices": object(count, func(i int) string { return strconv.Itoa(i * 7919 % count) }),
		"one name":      object(count, func(int) string { return "same" }),
		"digits":        []byte(strings.Repeat("1234567890", count)),
		"escapes":       []byte(`"` + strings.Repeat(`\"\\`, count) + `"`),
		"backslashes":   []byte(`"` + strings.Repeat(`\\`, count) + `"`),
		"surrogates":    []byte(`"` + strings.Repeat(`\ud800`, count) + `"`),
		"ill-formed":    []byte(`"` + strings.Repeat("a\xFF\xE2\x82", count) + `"`),
		"deep and wide": []byte(strings.Repeat(`{"a":0,"b":[`, MaxDepth/2-1) + strings.Repeat(`{},`, count) + "0" + strings.Repeat("]}", MaxDepth/2-1)),
	} {
		start := time.Now()
		v, _, err := Parse(text, MaxDepth)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out := AppendStringify(nil, v)
		if end := ScanValue(out, 0, MaxDepth); end != len(out) {
			t.Errorf("%s: ScanValue = %d of %d", name, end, len(out))
		}
		ScanValue(text, 0, MaxDepth)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: %d bytes took %v", name, len(text), took)
		}
	}
}

// A hostile text must not take memory out of proportion: Parse promises 45 bytes for a byte.
func TestA28MemoryIsBounded(t *testing.T) {
	const length = 1 << 18
	for _, part := range []string{"0 ,", "0,", "[],", "{},", "[0],", `{"":0},`, `"",`} {
		text := []byte("[" + strings.Repeat(part, length/len(part)) + "0]")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, _, err := Parse(text, 3)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Elems) != length/len(part)+1 {
			t.Errorf("%d elements of %q", len(v.Elems), part)
		}
		if factor := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text)); factor > 60 {
			t.Errorf("%q: %.0f bytes were allocated for each byte of text", part, factor)
		}
	}
}

func TestMember(t *testing.T) {
	v, _, err := Parse([]byte(`{"hash":"a","HASH":"b","7":7}`), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Value{"hash": {Kind: String, Str: "a"}, "HASH": {Kind: String, Str: "b"}, "7": {Kind: Number, Num: 7}} {
		if got, ok := v.Member(name); !ok || got.Kind != want.Kind || got.Str != want.Str || got.Num != want.Num {
			t.Errorf("member %s is %+v, %v", name, got, ok)
		}
	}
	if _, ok := v.Member("Hash"); ok {
		t.Error("found a member that is not there")
	}
	if _, ok := (Value{Kind: Array, Members: v.Members}).Member("hash"); ok {
		t.Error("found a member in an array")
	}
}

func TestNamesOfThings(t *testing.T) {
	for o, want := range map[Oddities]string{
		0:                              "none",
		DuplicateMember:                "duplicate member",
		IllFormedUTF8 | NumberAsNull:   "ill-formed UTF-8, number read as null",
		DuplicateMember | NumberAsNull: "duplicate member, number read as null",
	} {
		if got := o.String(); got != want {
			t.Errorf("%d: %q, want %q", uint8(o), got, want)
		}
	}
	if o := DuplicateMember | IllFormedUTF8; !o.Has(DuplicateMember) || !o.Has(o) || o.Has(NumberAsNull) || o.Has(o|NumberAsNull) {
		t.Error("Has is wrong")
	}
	for k, want := range map[Kind]string{Null: "null", Bool: "bool", Number: "number", String: "string", Array: "array", Object: "object", Object + 1: "invalid"} {
		if got := k.String(); got != want {
			t.Errorf("kind %d: %q, want %q", uint8(k), got, want)
		}
	}
}
