package ecmajson

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// TestB3Golden holds this package to what Node made of every text in golden.jsonl.
func TestB3Golden(t *testing.T) {
	file, err := os.Open("testdata/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	count, refused := 0, 0
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var c struct {
			Text, Hex, Out string
			Error          bool
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("line %d: %v", count+1, err)
		}
		text := []byte(c.Text)
		if c.Hex != "" {
			if text, err = hex.DecodeString(c.Hex); err != nil {
				t.Fatalf("line %d: %v", count+1, err)
			}
		}
		count++
		if c.Error {
			refused++
			refuses(t, text)
		} else {
			agrees(t, text, []byte(c.Out))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if count < 3000 || refused < 300 {
		t.Errorf("%d texts, %d of them not JSON: the file is cut short", count, refused)
	}
}

// TestGoldenIsFresh makes sure that golden.mjs, run today, gives golden.jsonl.
func TestGoldenIsFresh(t *testing.T) {
	out, err := exec.Command(node(t), "testdata/golden.mjs").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, want) {
		t.Error("golden.jsonl is not what golden.mjs writes: run node golden.mjs > golden.jsonl in testdata and look at the difference")
	}
}
