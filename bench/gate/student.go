package gate

import (
	"math"
	"slices"
)

// studentAbove is the chance that Student's t with df degrees of freedom is above t.
func studentAbove(t float64, df int) float64 {
	n := float64(df)
	half := incompleteBeta(n/(n+t*t), n/2, 0.5) / 2
	if t < 0 {
		return 1 - half
	}
	return half
}

// incompleteBeta is the regularised incomplete beta function, by its continued fraction (Lentz's method).
func incompleteBeta(x, a, b float64) float64 {
	if x <= 0 || x >= 1 {
		return max(0, min(x, 1))
	}
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := range 300 {
		m := float64(i / 2)
		var step float64
		switch {
		case i == 0:
			step = 1
		case i%2 == 0:
			step = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			step = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + step*d; math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		if c = 1 + step/c; math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-12 {
			break
		}
	}
	return front * (f - 1)
}

// holm adjusts the routes' P for how many there are.
func holm(routes []Compare) {
	order := make([]int, len(routes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case routes[a].P < routes[b].P:
			return -1
		case routes[a].P > routes[b].P:
			return 1
		}
		return 0
	})
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, routes[i].P*float64(len(routes)-rank)))
		routes[i].P = least
	}
}
