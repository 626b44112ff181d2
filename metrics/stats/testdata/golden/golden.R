# Golden values of R for golden_test.go; see golden.py.
samples <- list()
for (line in readLines("samples.txt")) {
  words <- strsplit(line, " ")[[1]]
  samples[[words[1]]] <- as.numeric(words[-1])
}
out <- file("r.txt", "w")
tell <- function(about, statistic, ...) {
  writeLines(paste(about, statistic, paste(sprintf("%.17g", c(...)), collapse = " ")), out)
}
writeLines(paste0("# R ", R.version$major, ".", R.version$minor), out)
for (name in names(samples)) {
  x <- samples[[name]]
  for (p in c(0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1)) {
    tell(name, sprintf("quantile:%s", format(p, nsmall = 1)), quantile(x, p, type = 7, names = FALSE))
  }
  tell(name, "mad", mad(x, constant = 1))
  if (grepl("^(normal|skewed)", name)) {
    test <- wilcox.test(x, exact = TRUE, conf.int = TRUE, conf.level = 0.95)
    n <- length(x)
    k <- max(1, qsignrank(0.025, n))
    tell(name, "hodges-lehmann", test$estimate)
    tell(name, "signed-rank-interval", test$conf.int, 1 - 2 * psignrank(k - 1, n))
    for (alternative in c("two.sided", "greater", "less")) {
      tell(name, paste0("signed-rank-p:", sub(".", "-", alternative, fixed = TRUE)), wilcox.test(x, exact = TRUE, alternative = alternative)$p.value)
    }
  }
}
for (pair in c("4-4", "5-8", "6-6", "12-12", "10-25", "30-30")) {
  x <- samples[[paste0("x", pair)]]
  y <- samples[[paste0("y", pair)]]
  test <- wilcox.test(x, y, exact = TRUE, conf.int = TRUE, conf.level = 0.95)
  k <- max(1, qwilcox(0.025, length(x), length(y)))
  tell(pair, "shift", test$estimate)
  tell(pair, "rank-sum-interval", test$conf.int, 1 - 2 * pwilcox(k - 1, length(x), length(y)))
  for (alternative in c("two.sided", "greater", "less")) {
    tell(pair, paste0("rank-sum-p:", sub(".", "-", alternative, fixed = TRUE)), wilcox.test(x, y, exact = TRUE, alternative = alternative)$p.value)
  }
}
close(out)
