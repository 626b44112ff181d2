module github.com/dlbench/dlbench

go 1.26
