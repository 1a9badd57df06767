package config

import (
	"math"
	"strconv"
	"strings"
)

// units of sizes, largest first.
var units = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseSize reads a number of bytes: "256MiB", "1 GiB", "4096".
func parseSize(text string) (bytes int64, ok bool) {
	factor := int64(1)
	for _, u := range units {
		if number, found := strings.CutSuffix(text, u.name); found {
			text, factor = strings.TrimSuffix(number, " "), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || text[0] == '+' || n > math.MaxInt64/factor {
		return 0, false
	}
	return n * factor, true
}

// formatSize writes a number of bytes in the largest unit that keeps it whole.
func formatSize(bytes int64) string {
	for _, u := range units {
		if bytes >= u.bytes && bytes%u.bytes == 0 {
			return strconv.FormatInt(bytes/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}
