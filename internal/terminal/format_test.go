package terminal

import (
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 5000150: "5,000,150", -1234567: "-1,234,567",
		-9223372036854775808: "-9,223,372,036,854,775,808",
	} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int64]string{0: "0 records", 1: "1 record", 2000: "2,000 records"} {
		if got := Plural(n, "record"); got != want {
			t.Errorf("Plural(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 268435456: "256 MiB",
		1<<20 - 1: "1.0 MiB", 1914322368: "1.8 GiB", 150 << 20: "150 MiB", 150<<20 + 1: "150 MiB",
		9223372036854775807: "8 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 350 * time.Millisecond: "350 ms", 1234 * time.Millisecond: "1.2 s",
		59949 * time.Millisecond: "59.9 s", 59960 * time.Millisecond: "1 min 00 s",
		125 * time.Second: "2 min 05 s", time.Hour - time.Millisecond: "1 h 00 min",
		3*time.Hour + 7*time.Minute: "3 h 07 min",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %s, want %s", d, got, want)
		}
	}
}
