package terminal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func noEnv(string) (string, bool) { return "", false }

func TestColourWanted(t *testing.T) {
	env := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, c := range []struct {
		name string
		mode ColourMode
		tty  bool
		env  map[string]string
		want bool
	}{
		{"terminal", ColourAuto, true, env("TERM", "xterm"), true},
		{"no terminal", ColourAuto, false, env("TERM", "xterm"), false},
		{"dumb terminal", ColourAuto, true, env("TERM", "dumb"), false},
		{"NO_COLOR", ColourAuto, true, env("NO_COLOR", "1"), false},
		{"NO_COLOR, whatever its value", ColourAuto, true, env("NO_COLOR", "0"), false},
		{"empty NO_COLOR is as none", ColourAuto, true, env("NO_COLOR", ""), true},
		{"CLICOLOR_FORCE", ColourAuto, false, env("CLICOLOR_FORCE", "1"), true},
		{"CLICOLOR_FORCE=0", ColourAuto, false, env("CLICOLOR_FORCE", "0"), false},
		{"NO_COLOR beats CLICOLOR_FORCE", ColourAuto, true, env("NO_COLOR", "1", "CLICOLOR_FORCE", "1"), false},
		{"asked for", ColourAlways, false, env("NO_COLOR", "1", "TERM", "dumb"), true},
		{"refused", ColourNever, true, env("CLICOLOR_FORCE", "1"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			lookup := func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }
			if got := c.mode.wanted(c.tty, lookup); got != c.want {
				t.Errorf("wanted = %v, want %v", got, c.want)
			}
		})
	}
}

func TestParseColourMode(t *testing.T) {
	for in, want := range map[string]ColourMode{"": ColourAuto, "auto": ColourAuto, "always": ColourAlways, "never": ColourNever} {
		if got, err := ParseColourMode(in); got != want || err != nil {
			t.Errorf("ParseColourMode(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	if _, err := ParseColourMode("red\x1b[0m"); err == nil || strings.ContainsRune(err.Error(), 0x1b) {
		t.Errorf("ParseColourMode of a bad mode: %v", err)
	}
}

func TestPaint(t *testing.T) {
	plain := NewStream(&bytes.Buffer{}, ColourAuto, noEnv)
	painted := NewStream(&bytes.Buffer{}, ColourAlways, noEnv)
	if got := plain.Paint(Bad, "damage"); got != "damage" {
		t.Errorf("without colour: %q", got)
	}
	got := painted.Paint(Bad, "damage")
	if !strings.HasPrefix(got, "\x1b[") || !strings.HasSuffix(got, "damage\x1b[0m") {
		t.Errorf("with colour: %q", got)
	}
	if got := painted.Paint(Plain, "damage"); got != "damage" {
		t.Errorf("plain: %q", got)
	}
	if plain.Terminal() {
		t.Error("a buffer is taken for a terminal")
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	s := NewStream(&out, ColourAuto, noEnv)
	tb := NewTable(Column{Title: "segment", Align: Right}, Column{Title: "state"}, Column{Title: "size", Align: Right})
	tb.Row("1", "sealed", "256 MiB")
	tb.Row("12", "日本\x1b[2J", "1 B")
	tb.Row("13")
	if err := tb.Print(s); err != nil {
		t.Fatal(err)
	}
	want := `segment  state           size
      1  sealed       256 MiB
     12  日本\x1b[2J      1 B
     13
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTableFitsTheScreen(t *testing.T) {
	number, long := strings.Repeat("9", 30), strings.Repeat("é", 100)
	for _, c := range []struct {
		name        string
		path, last  string
		clipped     bool
		widthAtMost int
	}{
		{"a wide column is clipped", long, "short", true, DefaultWidth},
		{"the last one is not", "short", long, false, 200},
		{"and leaves room for the others", strings.Repeat("p", 20), long, false, 200},
		{"both", long, long, true, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			tb := NewTable(Column{Title: "number", Align: Right}, Column{Title: "path"}, Column{Title: "reason"})
			tb.Row(number, c.path, c.last)
			if err := tb.Print(NewStream(&out, ColourAuto, noEnv)); err != nil {
				t.Fatal(err)
			}
			got := out.String()
			for line := range strings.Lines(got) {
				if w := width(strings.TrimSuffix(line, "\n")); w > c.widthAtMost {
					t.Errorf("%d columns: %s", w, line)
				}
			}
			if !strings.Contains(got, number) || !strings.HasSuffix(got, "  "+c.last+"\n") || strings.Contains(got, "…") != c.clipped {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestField(t *testing.T) {
	var out bytes.Buffer
	s := NewStream(&out, ColourAlways, noEnv)
	text := s.Paint(Good, "nothing") + " off this machine vouches for these records: a full recompute would not be seen"
	if err := s.Field("protected", text); err != nil {
		t.Fatal(err)
	}
	if err := s.Field("", "/a/path/"+strings.Repeat("x", 90)+" stays whole"); err != nil {
		t.Fatal(err)
	}
	want := "protected   \x1b[32mnothing\x1b[0m off this machine vouches for these records: a full recompute\n" +
		"            would not be seen\n" +
		"            /a/path/" + strings.Repeat("x", 90) + "\n" +
		"            stays whole\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestProgressOffATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewStream(&out, ColourAuto, noEnv).Progress("verify", 100<<20)
		time.Sleep(29 * time.Second)
		p.Set(10 << 20)
		if out.Len() != 0 {
			t.Fatalf("too early: %q", out.String())
		}
		time.Sleep(time.Second)
		p.Set(30 << 20)
		p.Set(20 << 20) // late news from another worker
		time.Sleep(30 * time.Second)
		p.Set(200 << 20) // a log that grew
		p.Stop()
		time.Sleep(time.Hour)
		p.Set(201 << 20)
		want := "verify: 30 MiB of 100 MiB (30 %) after 30.0 s, 1 MiB/s\n" +
			"verify: 100 MiB of 100 MiB (100 %) after 1 min 00 s, 1.7 MiB/s\n"
		if out.String() != want {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	})
}

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := NewStream(&out, ColourAuto, noEnv)
		s.tty = true
		p := s.Progress("verify", 100<<20)
		p.Set(10 << 20)
		time.Sleep(900 * time.Millisecond)
		p.Set(20 << 20)
		if out.Len() != 0 {
			t.Fatalf("a short job shows a bar: %q", out.String())
		}
		time.Sleep(200 * time.Millisecond)
		p.Set(40 << 20)
		bar := "\rverify  40 % [########------------] 40 MiB of 100 MiB, 36.4 MiB/s, 1.6 s left"
		if got := out.String(); got != bar {
			t.Errorf("bar: %q, want %q", got, bar)
		}
		p.Set(41 << 20)
		time.Sleep(time.Hour)
		p.Set(99 << 20)
		again := "\rverify  99 % [###################-] 99 MiB of 100 MiB, 28.2 KiB/s, 36.4 s left"
		if got := strings.TrimPrefix(out.String(), bar); got != again {
			t.Errorf("drawn again: %q, want %q", got, again)
		}
		p.Stop()
		over := "\r" + strings.Repeat(" ", len(again)-1) + "\r"
		if got := strings.TrimPrefix(out.String(), bar+again); got != over {
			t.Errorf("the bar is not cleared away: %q", got)
		}
	})
}

func TestProgressOfNothing(t *testing.T) {
	var none *Progress
	none.Set(1)
	none.Stop()
	var out bytes.Buffer
	s := NewStream(&out, ColourAuto, noEnv)
	s.tty = true
	p := s.Progress("verify", 0)
	p.Set(5)
	p.Stop()
	if out.Len() != 0 {
		t.Errorf("got %q", out.String())
	}
}

type brokenWriter struct{ writes int }

func (b *brokenWriter) Write([]byte) (int, error) { b.writes++; return 0, errors.New("gone") }

func TestProgressFallsSilentWhenTheStreamIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &brokenWriter{}
		p := NewStream(w, ColourAuto, noEnv).Progress("verify", 100)
		for range 3 {
			time.Sleep(time.Minute)
			p.Set(1)
		}
		if w.writes != 1 {
			t.Errorf("%d writes to a stream that is gone", w.writes)
		}
	})
}
