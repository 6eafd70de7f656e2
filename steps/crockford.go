package steps

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// crockfordSymbols are the symbols of Crockford's Base32 (https://www.crockford.com/base32.html), and behind them
	// those that only a check may be.
	crockfordSymbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"
	crockfordBase    = 32
)

// checkCrockford says what is wrong with a text as Crockford's Base32: in any case, with dashes anywhere, I and L read as 1
// and O as 0. With checksum the last symbol is the number modulo 37; without, such a symbol may be there, and is not looked at.
func checkCrockford(text string, checksum bool) error {
	symbols := strings.NewReplacer("-", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(text))
	if symbols == "" {
		return errors.New("it has no symbols")
	}
	last := len(symbols) - 1
	number, check := symbols, symbols[last:]
	if checksum || last > 0 && strings.Index(crockfordSymbols, check) >= crockfordBase {
		number = symbols[:last]
	}
	sum := 0
	for _, symbol := range number {
		value := strings.IndexRune(crockfordSymbols[:crockfordBase], symbol)
		if value < 0 {
			return fmt.Errorf("%q is none of the %d symbols", symbol, crockfordBase)
		}
		sum = (sum*crockfordBase + value) % len(crockfordSymbols)
	}
	if want := crockfordSymbols[sum : sum+1]; checksum && check != want {
		return fmt.Errorf("its check symbol is %q and must be %q", check, want)
	}
	return nil
}
