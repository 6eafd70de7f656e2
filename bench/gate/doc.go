// Package gate says whether one build of a server is slower than another, in a way that holds on a machine with other work
// on it. It starts both, sends each request to both in turn, starts them anew for every cycle, and looks at the ratios:
// whatever slows the machine slows both.
//
// A cycle gives one number for each route, the mean over blocks of 200 ms of ln(candidate/base), of the mean of the faster
// three quarters of the times in the block. A sequential test looks at the cycles' numbers after 5, 8, 12, 16, 20 and 24
// cycles. Its boundaries hold over all looks together: at most 1 in 100 runs fails a candidate that is at most Tolerated
// slower, and at most 5 in 100 pass one that is Caught slower. What neither holds for is inconclusive, and says so.
package gate
