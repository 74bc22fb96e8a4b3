// Lines of a PDF that cairo wrote, in mm from the page's top left corner: content streams are inflated and
// their paths followed through the matrices. Text and everything inside fonts is left out.
import { inflateSync } from "node:zlib"

const MM = 25.4 / 72

/** Content streams, inflated. */
export function streams(pdf) {
    const text = pdf.toString("latin1")
    const found = []
    for (const m of text.matchAll(/stream\r?\n/g)) {
        if (text.slice(m.index - 3, m.index) === "end") continue
        const start = m.index + m[0].length
        const end = text.indexOf("endstream", start)
        try {
            found.push(inflateSync(pdf.subarray(start, end)).toString("latin1"))
        } catch {
            // not compressed
        }
    }
    return found.filter((s) => /\sre\s|\sm\s/.test(s) && /\s(S|f|W)\b/.test(s))
}

const times = (a, b) => [
    a[0] * b[0] + a[1] * b[2],
    a[0] * b[1] + a[1] * b[3],
    a[2] * b[0] + a[3] * b[2],
    a[2] * b[1] + a[3] * b[3],
    a[4] * b[0] + a[5] * b[2] + b[4],
    a[4] * b[1] + a[5] * b[3] + b[5],
]

/** Stroked paths of one stream: [{width, grey, points: [[x, y], …]}, …], a list for each subpath. */
export function strokes(stream, pageHeightPt = 210 / MM) {
    let state = { matrix: [1, 0, 0, 1, 0, 0], width: 1, colour: [0, 0, 0] }
    const stack = []
    const out = []
    let operands = []
    let path = []
    for (const token of stream.split(/\s+/)) {
        const number = Number(token)
        if (token !== "" && Number.isFinite(number)) {
            operands.push(number)
            continue
        }
        const at = (x, y) => {
            const [a, b, c, d, e, f] = state.matrix
            return [(a * x + c * y + e) * MM, (pageHeightPt - (b * x + d * y + f)) * MM]
        }
        if (token === "q") stack.push({ ...state })
        else if (token === "Q") state = stack.pop() ?? state
        else if (token === "cm") state.matrix = times(operands, state.matrix)
        else if (token === "w") state.width = operands[0]
        else if (token === "RG") state.colour = operands.slice(0, 3)
        else if (token === "G") state.colour = [operands[0], operands[0], operands[0]]
        else if (token === "m") path.push([at(operands[0], operands[1])])
        else if (token === "l") path.at(-1)?.push(at(operands[0], operands[1]))
        else if (token === "S") {
            const scale = Math.hypot(state.matrix[0], state.matrix[1]) * MM
            for (const points of path) out.push({ width: state.width * scale, colour: state.colour, points })
            path = []
        } else if (token === "f" || token === "f*" || token === "n") path = []
        if (token !== "") operands = []
    }
    return out
}
