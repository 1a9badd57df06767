package segment

import (
	"runtime"
	"syscall"
	"unsafe"
)

// exchangeNames makes each of two names mean what the other meant, at once.
func exchangeNames(a, b string) error {
	const atFDCWD, exchange = -100, 2
	number := map[string]uintptr{"amd64": 316, "arm64": 276}[runtime.GOARCH] // renameat2
	from, err := syscall.BytePtrFromString(a)
	if err != nil {
		return err
	}
	to, err := syscall.BytePtrFromString(b)
	if err != nil {
		return err
	}
	at := atFDCWD
	if _, _, errno := syscall.Syscall6(number, uintptr(at), uintptr(unsafe.Pointer(from)), uintptr(at), uintptr(unsafe.Pointer(to)), exchange, 0); errno != 0 {
		return errno
	}
	return nil
}
