package main

import (
	"strings"
	"testing"
)

const stream = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"run","Package":"p","Test":"TestBad"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"=== RUN   TestBad\n"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"    a_test.go:1: chatter\n"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    a_test.go:2: broken\n"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestBad","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestGood","Output":"--- PASS: TestGood (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestGood","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestNode","Output":"    a_test.go:3: node is not installed\n"}
{"Action":"output","Package":"p","Test":"TestNode","Output":"--- SKIP: TestNode (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestNode","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestCutOff","Output":"panic: gone\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p","Elapsed":0.1}
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.2s\n"}
{"Action":"pass","Package":"q","Elapsed":0.2}
{"Action":"output","Package":"r","Output":"?   \tr\t[no test files]\n"}
{"Action":"skip","Package":"r","Elapsed":0}
{"ImportPath":"s","Action":"build-output","Output":"s.go:1:1: undefined\n"}
{"ImportPath":"s","Action":"build-fail"}
`

func TestReportShowsFailuresAndSkips(t *testing.T) {
	var out strings.Builder
	c, err := report(strings.NewReader(stream), &out)
	if err != nil {
		t.Fatal(err)
	}
	if want := (counts{passed: 1, failed: 2, skipped: 1}); c != want {
		t.Errorf("counts %+v, want %+v", c, want)
	}
	const want = `    a_test.go:2: broken
--- FAIL: TestBad (0.00s)
    a_test.go:3: node is not installed
--- SKIP: TestNode (0.00s)
FAIL	p	0.1s
panic: gone
ok  	q	0.2s
s.go:1:1: undefined
1 passed, 2 failed, 1 skipped
`
	if out.String() != want {
		t.Errorf("report:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestReportRefusesWhatIsNotAnEvent(t *testing.T) {
	if _, err := report(strings.NewReader("ok \tp\t0.1s\n"), &strings.Builder{}); err == nil {
		t.Error("plain text was read as events")
	}
}
