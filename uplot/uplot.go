// Package uplot is uPlot 1.6.32 (MIT, https://github.com/leeoniya/uPlot), which draws charts in browsers, as it came, with its
// licence beside it. Pages carry it: nothing is loaded from elsewhere.
package uplot

import _ "embed"

//go:embed uplot.js
var script string

//go:embed uplot.css
var style string

//go:embed LICENSE
var licence string

// Script is the JavaScript: it defines uPlot. A page that carries it must carry the Licence too.
func Script() string { return script }

// Style is the style sheet that the script wants; its classes begin with u-.
func Style() string { return style }

// Licence is the text of the licence.
func Licence() string { return licence }
