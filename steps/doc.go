// Package steps is plain English for API tests: steps that send requests, look at replies, stand in for back ends, and
// start, change and kill clusters. Package run runs feature files with them; package ongodog makes them known to godog.
//
// Every step is one row of a table, see [Table]: what may be said, what it means, an example, and the function
// that does it. A file holds one topic. The package is black box: it meets a runtime over the wire, and a cluster
// through package fixtures alone.
package steps
