package chain

import "fmt"

// imports says what was taken over from elsewhere. It is not held against the records: whether they
// are there, and unchanged, is judged like that of any others.
func (f *finder) imports(walk []*item) {
	for _, it := range walk {
		if it.kind != KindImport || !it.class.Whole() || f.l.isCopy(it.Record) {
			continue
		}
		p, err := ParseImport(it.payload())
		if err != nil {
			f.add(Imported, it, "what it says cannot be read: "+err.Error())
			continue
		}
		times := "their times are those of the import"
		if p.KeepTime {
			times = "their times are what the source says"
		}
		if p.BackDated {
			times += ", and begin before the end of the log then"
		}
		f.add(Imported, it, fmt.Sprintf("%d records from %q, SHA-256 %s; %s", p.Records, clip(p.Source), p.SHA256.Short(), times))
	}
}
