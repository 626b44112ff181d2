package html

import "github.com/go-echarts/go-echarts/v2/opts"

// fontFamily is the page's, for texts inside charts.
const fontFamily = `system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif`

// ThemeName is the name under which pages register Theme.
const ThemeName = "dlbench"

// Tone is a colour of the page's style by its name there. Charts are drawn as
// SVG, so that the style decides what it is: on light paper, on dark, in print.
func Tone(name string) string { return "var(--" + name + ")" }

// Theme is the look that all charts share, for ECharts' registerTheme.
func Theme() map[string]any {
	category := axisLook()
	category["axisLabel"] = &opts.AxisLabel{Color: Tone("ink"), FontSize: 12, HideOverlap: opts.Bool(true)}
	logarithmic := axisLook()
	logarithmic["logBase"] = 2
	// Emphasis makes a colour lighter by computing with it, which a name forbids.
	still := map[string]any{"emphasis": map[string]any{"disabled": true}}
	return map[string]any{
		"backgroundColor": "transparent",
		"textStyle":       map[string]any{"fontFamily": fontFamily},
		"valueAxis":       axisLook(), "timeAxis": axisLook(), "logAxis": logarithmic, "categoryAxis": category,
		"line": still, "scatter": still, "bar": still,
		"legend": map[string]any{"textStyle": map[string]any{"color": Tone("ink")}, "inactiveColor": Tone("soft"), "inactiveBorderColor": Tone("rule"),
			"pageTextStyle": map[string]any{"color": Tone("soft")}, "pageIconColor": Tone("link"), "pageIconInactiveColor": Tone("rule")},
		"tooltip": map[string]any{"confine": true, "backgroundColor": Tone("paper"), "borderColor": Tone("rule"),
			"textStyle":   map[string]any{"color": Tone("ink"), "fontSize": 13},
			"axisPointer": map[string]any{"lineStyle": map[string]any{"color": Tone("soft")}}},
	}
}

func axisLook() map[string]any {
	rule := &opts.LineStyle{Color: Tone("rule"), Width: 1}
	return map[string]any{
		"axisLabel":     &opts.AxisLabel{Color: Tone("soft"), FontSize: 12, HideOverlap: opts.Bool(true)},
		"nameTextStyle": map[string]any{"color": Tone("soft"), "fontSize": 12},
		"axisLine":      &opts.AxisLine{LineStyle: rule},
		"splitLine":     &opts.SplitLine{LineStyle: rule},
		"axisTick":      &opts.AxisTick{Show: opts.Bool(false)},
	}
}
