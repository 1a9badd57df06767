package main

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"

	"github.com/opscontext/opscontext/internal/terminal"
)

// A chart has two panels, one above the other, and all axes are logarithmic: a cost that does not grow is
// a level line, and one that grows with the log rises by a decade for each decade.
const (
	chartWidth   = 860.0
	panelLeft    = 76.0 // room for the marks of the axis
	panelRight   = 200  // and for the names of the lines
	panelTop     = 62.0
	panelHeight  = 340.0
	panelBelow   = 56.0
	labelSpacing = 16.0
	pointRadius  = 3.5
)

// style has the colours for light and for dark surroundings; the picture brings its own ground, so that
// it can be read where a page and a system differ.
const style = `<style>
.ground{fill:#ffffff}.text{fill:#1f2328;font:13px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-weight:600;font-size:15px}
.faint{fill:#59636e}.grid{stroke:#d1d9e0;stroke-width:1}.line{fill:none;stroke-width:2}
.all{stroke:#bc4c00}.all-dot{fill:#bc4c00}.ends{stroke:#0969da}.ends-dot{fill:#0969da}.each{stroke:#1a7f37}.each-dot{fill:#1a7f37}.lead{stroke-width:1;opacity:.55}
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}
.all{stroke:#f0883e}.all-dot{fill:#f0883e}.ends{stroke:#58a6ff}.ends-dot{fill:#58a6ff}.each{stroke:#3fb950}.each-dot{fill:#3fb950}}
</style>
`

// series is one line.
type series struct {
	name   string
	reach  reach
	values []float64 // one for each size
}

// panel is one pair of axes.
type panel struct {
	title  string
	lines  []series
	xs     []float64 // records
	top    float64   // where it begins in the picture
	lo, hi float64   // powers of ten
	unit   func(float64) string
}

// draw gives the chart of some sizes as SVG.
func draw(sizes []measurements) []byte {
	var xs []float64
	for i := range sizes {
		xs = append(xs, float64(sizes[i].Records))
	}
	lines := func(of func(figure) float64) (all []series) {
		for _, op := range operations() {
			s := series{name: op.name, reach: op.reach}
			for i := range sizes {
				s.values = append(s.values, of(sizes[i].Figures[op.name]))
			}
			all = append(all, s)
		}
		return all
	}
	panels := []*panel{
		{title: "Processor time", unit: seconds, xs: xs, lines: lines(func(f figure) float64 { return f.CPU })},
		{title: "Peak memory", unit: mebibytes, xs: xs, lines: lines(func(f figure) float64 { return float64(f.Peak) / (1 << 20) })},
	}
	height := 0.0
	for _, p := range panels {
		p.top = height
		p.scale()
		height += panelTop + panelHeight + panelBelow
	}
	var to bytes.Buffer
	fmt.Fprintf(&to, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="t d">`+"\n", chartWidth, height)
	to.WriteString("<title id=\"t\">How cost grows with the log</title>\n<desc id=\"d\">Processor time and peak memory of each command, on logs of " +
		"growing length. Both axes are logarithmic. The figures are in bench/SCALE.md.</desc>\n" + style)
	fmt.Fprintf(&to, `<rect class="ground" width="%.0f" height="%.0f" rx="6"/>`+"\n", chartWidth, height)
	for _, p := range panels {
		p.draw(&to)
	}
	to.WriteString("</svg>\n")
	return to.Bytes()
}

// scale has the vertical axis begin and end at powers of ten around all values.
func (p *panel) scale() {
	p.lo, p.hi = math.Inf(1), math.Inf(-1)
	for _, s := range p.lines {
		for _, v := range s.values {
			if v > 0 {
				p.lo, p.hi = min(p.lo, math.Floor(math.Log10(v))), max(p.hi, math.Ceil(math.Log10(v)))
			}
		}
	}
	if p.lo > p.hi {
		p.lo, p.hi = 0, 1
	}
	p.hi = max(p.hi, p.lo+1)
}

func (p *panel) bottom() float64 { return p.top + panelTop + panelHeight }

// y is where a value is; what is not positive is at the bottom.
func (p *panel) y(v float64) float64 {
	part := (math.Log10(v) - p.lo) / (p.hi - p.lo)
	return p.bottom() - panelHeight*min(max(part, 0), 1)
}

// x is where the i-th size is, with some room at either side.
func (p *panel) x(i int) float64 {
	const room = 34
	left, right := panelLeft+room, chartWidth-panelRight-room
	first, last := math.Log10(p.xs[0]), math.Log10(p.xs[len(p.xs)-1])
	if first == last {
		return (left + right) / 2
	}
	return left + (right-left)*(math.Log10(p.xs[i])-first)/(last-first)
}

func (p *panel) draw(to *bytes.Buffer) {
	text := func(class, anchor string, x, y float64, words string) {
		fmt.Fprintf(to, `<text class="text %s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, anchor, x, y, html.EscapeString(words))
	}
	edge := chartWidth - panelRight
	text("title", "start", 20, p.top+28, p.title)
	text("faint", "start", 20, p.top+46, "logarithmic, as the number of records is")
	p.key(to, text)
	for power := p.lo; power <= p.hi; power++ {
		v := math.Pow(10, power)
		fmt.Fprintf(to, `<path class="grid" d="M%.1f %.1fH%.1f"/>`+"\n", panelLeft, p.y(v), edge)
		text("faint", "end", panelLeft-8, p.y(v)+4, p.unit(v))
	}
	for i, n := range p.xs {
		fmt.Fprintf(to, `<path class="grid" d="M%.1f %.1fV%.1f"/>`+"\n", p.x(i), p.top+panelTop, p.bottom())
		text("", "middle", p.x(i), p.bottom()+19, terminal.Count(int64(n)))
	}
	text("faint", "middle", (panelLeft+edge)/2, p.bottom()+38, "records")
	last := len(p.xs) - 1
	var ends []float64
	for _, s := range p.lines {
		ends = append(ends, p.y(s.values[last]))
	}
	at := spread(ends, p.top+panelTop, p.bottom())
	for i, s := range p.lines {
		class := s.class()
		fmt.Fprintf(to, `<path class="line %s" d="`, class)
		for j, v := range s.values {
			fmt.Fprintf(to, "%c%.1f %.1f", "ML"[min(j, 1)], p.x(j), p.y(v))
		}
		to.WriteString(`"/>` + "\n")
		for j, v := range s.values {
			fmt.Fprintf(to, `<circle class="%s-dot" cx="%.1f" cy="%.1f" r="%.1f"><title>%s, %s: %s</title></circle>`+"\n", class, p.x(j), p.y(v), pointRadius,
				html.EscapeString(s.name), terminal.Plural(int64(p.xs[j]), "record"), p.unit(v))
		}
		fmt.Fprintf(to, `<path class="line lead %s" d="M%.1f %.1fL%.1f %.1f"/>`+"\n", class, p.x(last)+pointRadius, ends[i], edge+6, at[i])
		text("", "start", edge+10, at[i]+4, s.name+": "+p.unit(s.values[last]))
	}
}

// key says what the colours mean.
func (p *panel) key(to *bytes.Buffer, text func(class, anchor string, x, y float64, words string)) {
	text("faint", "end", 440, p.top+28, "goes through")
	x := 450.0
	for _, reach := range []reach{reachAll, reachSegments, reachEnds} {
		s := series{name: string(reach), reach: reach}
		fmt.Fprintf(to, `<path class="line %s" d="M%.1f %.1fh22"/><circle class="%s-dot" cx="%.1f" cy="%.1f" r="%.1f"/>`+"\n",
			s.class(), x, p.top+24, s.class(), x+11, p.top+24, pointRadius)
		text("", "start", x+27, p.top+28, s.name)
		x += 142
	}
}

func (s *series) class() string {
	switch s.reach {
	case reachAll:
		return "all"
	case reachSegments:
		return "each"
	}
	return "ends"
}

// spread moves places apart so that text fits beside each, in their order. What overlaps becomes a block,
// whose middle stays where that of its places is, within bounds as long as there is room.
func spread(places []float64, top, bottom float64) []float64 {
	type block struct {
		texts []int   // indices of places
		sum   float64 // of where each would have the block begin
		begin float64
	}
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(places[a], places[b]) })
	height := func(b block) float64 { return float64(len(b.texts)) * labelSpacing }
	var blocks []block
	for _, i := range order {
		b := block{texts: []int{i}, sum: places[i]}
		for {
			b.begin = max(top, min(b.sum/float64(len(b.texts)), bottom+labelSpacing-height(b)))
			if len(blocks) == 0 {
				break
			}
			above := blocks[len(blocks)-1]
			if above.begin+height(above) <= b.begin {
				break
			}
			b.sum += above.sum - height(above)*float64(len(b.texts))
			b.texts = append(slices.Clone(above.texts), b.texts...)
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	at := make([]float64, len(places))
	for _, b := range blocks {
		for n, i := range b.texts {
			at[i] = b.begin + float64(n)*labelSpacing
		}
	}
	return at
}

func mebibytes(n float64) string { return terminal.Bytes(int64(n*(1<<20) + 0.5)) }
