package where

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
)

// overLists are the functions that have a condition for each element of a list; those of them that say
// something of the elements, not by them, want it to be one.
var overLists = []string{"all", "any", "count", "filter", "find", "map", "none", "one"}

// operation is what an operator or a function does with values (see [meter.value]).
type operation func(m *meter, args []any) (any, error)

// functions and operators are by the names that an expression has for them.
var (
	functions = map[string]operation{
		"len": length, "type": typeOf, "keys": keys,
		"lower": onText(strings.ToLower), "upper": onText(strings.ToUpper), "trim": onText(strings.TrimSpace),
		"float": toNumber, "int": toWhole, "string": toText,
	}
	operators = map[string]operation{
		"<": ordered(func(c int) bool { return c < 0 }), "<=": ordered(func(c int) bool { return c <= 0 }),
		">": ordered(func(c int) bool { return c > 0 }), ">=": ordered(func(c int) bool { return c >= 0 }),
		"==": equal, "!=": unequal, "in": in,
		"contains": inText(strings.Contains), "startsWith": inText(strings.HasPrefix), "endsWith": inText(strings.HasSuffix),
		"matches": matches,
		"+":       plus, "-": minus, "*": times, "/": divided, "%": modulo,
	}
	// parts are what has no name of its own in an expression.
	parts = map[string]operation{"member": member, "list": list, "truth": truth, "value": value}
)

// meterName and the names of operations cannot be written in an expression.
const meterName = "the meter"

// language is what an expression is written in.
func language() []expr.Option {
	options := []expr.Option{expr.Optimize(false), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins()}
	for name := range functions {
		options = append(options, expr.EnableBuiltin(name))
	}
	return options
}

// rewritten are the options under which an expression is evaluated by our operations only.
func rewritten(r *rewriting) []expr.Option {
	env := types.Map{meterName: types.Any}
	for name := range names {
		env[name] = types.Any // a record may have anything anywhere
	}
	options := []expr.Option{expr.Env(env), expr.Patch(r)}
	for _, of := range []map[string]operation{functions, operators, parts} {
		for name, do := range of {
			options = append(options, expr.Function("do "+name, func(args ...any) (any, error) {
				m := args[0].(*meter)
				if err := m.charge(1); err != nil {
					return nil, err
				}
				return do(m, args[1:])
			}))
		}
	}
	return options
}

// rewriting puts our operations in the place of those that know neither absent members nor a meter. It
// meets a node after what is inside it.
type rewriting struct {
	uses    map[string]bool
	refused *file.Error
}

func (r *rewriting) refuse(node ast.Node, format string, args ...any) {
	if r.refused == nil {
		r.refused = &file.Error{Location: node.Location(), Message: fmt.Sprintf(format, args...)}
	}
}

func do(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: "do " + name},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: meterName}}, args...),
	}
}

// condition has a node taken for a condition.
func condition(node *ast.Node) { ast.Patch(node, do("truth", *node)) }

// Visit is called for each node of the expression.
func (r *rewriting) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if _, ok := names[n.Value]; ok {
			r.uses[n.Value] = true
		} else if strings.HasPrefix(n.Value, "$") {
			r.refuse(n, "there is no %s here", n.Value)
		}
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.PredicateNode, *ast.PointerNode,
		*ast.VariableDeclaratorNode, *ast.ArrayNode:
	case *ast.ChainNode:
		*node = n.Node // a member of what is absent is absent, asked with ?. or not
	case *ast.MemberNode:
		if n.Method {
			r.refuse(n, "a value has no functions")
		}
		ast.Patch(node, do("member", n.Node, n.Property))
	case *ast.ConditionalNode:
		condition(&n.Cond)
	case *ast.UnaryNode:
		r.unary(node, n)
	case *ast.BinaryNode:
		r.binary(node, n)
	case *ast.BuiltinNode:
		r.function(node, n)
	case *ast.CallNode:
		r.refuse(n, "a value has no functions")
	default:
		r.refuse(n, "ranges, slices, maps and several statements have no place here")
	}
}

func (r *rewriting) unary(node *ast.Node, n *ast.UnaryNode) {
	switch n.Operator {
	case "!", "not":
		condition(&n.Node)
	case "-":
		ast.Patch(node, do("-", &ast.IntegerNode{}, n.Node))
	case "+":
		ast.Patch(node, do("-", n.Node, &ast.IntegerNode{}))
	}
}

func (r *rewriting) binary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		condition(&n.Left)
		condition(&n.Right)
		return
	case "??":
		return
	case "matches":
		pattern, ok := n.Right.(*ast.StringNode)
		if !ok {
			r.refuse(n.Right, "a pattern stands in quotes") // or a record could say what is searched for
			return
		}
		re, err := regexp.Compile(pattern.Value)
		if err != nil {
			r.refuse(pattern, "%v", err) // not reached: it was checked as it was written
			return
		}
		n.Right = &ast.ConstantNode{Value: re}
	}
	if operators[n.Operator] == nil {
		r.refuse(n, "there is no operator %s here", n.Operator)
		return
	}
	ast.Patch(node, do(n.Operator, n.Left, n.Right))
}

func (r *rewriting) function(node *ast.Node, n *ast.BuiltinNode) {
	switch {
	case functions[n.Name] != nil:
		ast.Patch(node, do(n.Name, n.Arguments...))
	case !slices.Contains(overLists, n.Name):
		r.refuse(n, "unknown name %s", n.Name)
	case len(n.Arguments) < 2:
		r.refuse(n, "%s wants a list and a condition", n.Name)
	default:
		ast.Patch(&n.Arguments[0], do("list", n.Arguments[0]))
		as := "truth"
		if n.Name == "map" {
			as = "value"
		}
		body := n.Arguments[1].(*ast.PredicateNode)
		ast.Patch(&body.Node, do(as, body.Node))
	}
}
