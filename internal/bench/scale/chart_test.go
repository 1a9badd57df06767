package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// element is one of the chart.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

// parse reads SVG as the XML that it is.
func parse(t *testing.T, svg []byte) (all []element) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			e := element{name: x.Name.Local, attrs: map[string]string{}}
			for _, a := range x.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			all = append(all, e)
		case xml.CharData:
			if len(all) > 0 {
				all[len(all)-1].text += strings.TrimSpace(string(x))
			}
		}
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestChartShowsEverything(t *testing.T) {
	sizes := invented(500_000, 5_000_000, 50_000_000)
	elements := parse(t, draw(sizes))
	var texts []string
	points := map[string]int{}
	for _, e := range elements {
		if e.name == "text" {
			texts = append(texts, e.text)
			if x := number(t, e.attrs["x"]); x < 0 || x > chartWidth {
				t.Errorf("%q is at %v", e.text, x)
			}
		}
		if e.name == "circle" {
			points[e.attrs["class"]]++
		}
	}
	for _, op := range operations() {
		if n := len(slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return !strings.HasPrefix(s, op.name+": ") })); n != 2 {
			t.Errorf("%s is named in %d panels", op.name, n)
		}
	}
	for _, words := range []string{"Processor time", "Peak memory", "500,000", "5,000,000", "50,000,000", "records", "100 ms", "10 MiB", "100 MiB", "the whole log", "each segment"} {
		if !slices.Contains(texts, words) {
			t.Errorf("nothing is labelled %q: %q", words, texts)
		}
	}
	if got, want := points["all-dot"]+points["each-dot"]+points["ends-dot"], 2*len(sizes)*len(operations())+2*3; got != want {
		t.Errorf("%d points, with the key, want %d", got, want)
	}
}

// A tenfold is as long everywhere, and what is larger is higher.
func TestAxesAreLogarithmic(t *testing.T) {
	p := panel{xs: []float64{1e3, 1e4, 1e5}, lines: []series{{values: []float64{0.002, 0.3, 40}}}}
	p.scale()
	if p.lo != -3 || p.hi != 2 {
		t.Errorf("from 10^%v to 10^%v", p.lo, p.hi)
	}
	if a, b := p.y(0.01)-p.y(0.1), p.y(1)-p.y(10); math.Abs(a-b) > 1e-9 || a <= 0 {
		t.Errorf("tenfolds are %v and %v high", a, b)
	}
	if a, b := p.x(1)-p.x(0), p.x(2)-p.x(1); math.Abs(a-b) > 1e-9 || a <= 0 {
		t.Errorf("tenfolds are %v and %v wide", a, b)
	}
}

// Figures that no logarithm knows make no chart that a browser cannot draw.
func TestChartOfOddFigures(t *testing.T) {
	one := invented(20_000)
	none := []measurements{{Records: 20_000}}
	for name, sizes := range map[string][]measurements{"one size": one, "nothing measured": none} {
		svg := draw(sizes)
		parse(t, svg)
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s: a place is no number", name)
		}
	}
}

func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const top, bottom = 10.0, 500.0
		places := rapid.SliceOfN(rapid.Float64Range(top, bottom), 0, 30).Draw(t, "places")
		at := spread(places, top, bottom)
		for i := range at {
			if at[i] < top-1e-9 || at[i] > bottom+1e-9 {
				t.Fatalf("%v is out of bounds", at[i])
			}
			for j := range at {
				if i != j && math.Abs(at[i]-at[j]) < labelSpacing-1e-9 {
					t.Fatalf("%v and %v overlap", at[i], at[j])
				}
				if places[i] < places[j] && at[i] > at[j] {
					t.Fatal("they changed their order")
				}
			}
		}
	})
	if at := spread([]float64{200, 200}, 0, 400); at[0] != 200-labelSpacing/2 || at[1] != 200+labelSpacing/2 {
		t.Errorf("two of one place are not around it: %v", at)
	}
	if at := spread([]float64{100, 300}, 0, 400); at[0] != 100 || at[1] != 300 {
		t.Errorf("what has room was moved: %v", at)
	}
}
