// The printed page, measured in its own vectors.
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { streams, strokes } from "../support/pdf.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const screen = join(root, "build", process.env.XW_PRESET ?? "release", "bin", "xinwang-screen")
const folder = mkdtempSync(join(tmpdir(), "xw-print-"))
const LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
const RATE = 500
let passed = 0
let failed = 0
let skipped = 0

function test(name, body) {
    try {
        if (body() === "skipped") {
            skipped++
            console.log(`skipped: ${name}`)
        } else {
            passed++
            console.log(`ok: ${name}`)
        }
    } catch (error) {
        failed++
        console.log(`FAILED: ${name}: ${error.message}`)
    }
}

function near(is, want, what, tolerance = 0.1) {
    if (!(Math.abs(is - want) <= tolerance)) throw new Error(`${what}: ${is}, not ${want}`)
}

/** 1 mV for each odd second, 1000 counts a mV. V6 has no samples from 8.5 s to 9 s. */
function record() {
    const n = 10 * RATE
    const rows = Buffer.alloc(n * LEADS.length * 2)
    for (let i = 0; i < n; i++)
        for (let l = 0; l < LEADS.length; l++) {
            const gap = LEADS[l] === "V6" && i >= 8.5 * RATE && i < 9 * RATE
            rows.writeInt16LE(gap ? -32768 : Math.floor(i / RATE) % 2 ? 1000 : 0, (i * LEADS.length + l) * 2)
        }
    const lines = LEADS.map((name) => `squares.dat 16 1000(0)/mV 16 0 0 0 0 ${name}`)
    writeFileSync(join(folder, "squares.dat"), rows)
    writeFileSync(join(folder, "squares.hea"), `squares ${LEADS.length} ${RATE} ${n}\n${lines.join("\n")}\n`)
}

function print(page, out = join(folder, "out.pdf")) {
    execFileSync(screen, ["--12lead", join(folder, "squares"), "--pdf", out, "--page", page], { stdio: "pipe" })
    return readFileSync(out)
}

const lines = (pdf, page = 0) => strokes(streams(pdf)[page])
const black = (s) => s.colour.every((c) => c < 0.01)
const vertical = (s) => s.points.length === 2 && Math.abs(s.points[0][0] - s.points[1][0]) < 0.01

record()

test("the grid has squares of 1 and 5 mm", () => {
    const all = lines(print("band=off")).filter((s) => !black(s) && vertical(s))
    for (const [pitch, width] of [
        [1, 0.08],
        [5, 0.16],
    ]) {
        const x = all.filter((s) => Math.abs(s.width - width) < 0.02).map((s) => s.points[0][0])
        near(x.length, 275 / pitch + 1, `lines of ${pitch} mm`, 0)
        x.forEach((v, k) => near(v - x[0], k * pitch, `line ${k}`, 0.02))
    }
})

test("the check line is 100 mm long", () => {
    const found = lines(print("band=off")).filter(
        (s) => black(s) && s.points.length === 2 && Math.abs(s.points[1][0] - s.points[0][0] - 100) < 1,
    )
    near(found.length, 1, "check lines", 0)
    near(found[0].points[1][0] - found[0].points[0][0], 100, "check line")
})

for (const speed of [12.5, 25, 50])
    for (const gain of [2.5, 5, 10, 20])
        test(`1 mV and 1 s at ${speed} mm/s and ${gain} mm/mV`, () => {
            const all = lines(print(`band=off,layout=6x2,speed=${speed},gain=${gain}`)).filter(black)
            const pulse = all.find((s) => s.points.length === 6 && s.points[0][0] < 20)
            near(pulse.points[1][1] - pulse.points[2][1], gain, "pulse height")
            near(pulse.points[3][0] - pulse.points[2][0], 0.2 * speed, "pulse width")
            const trace = all.find((s) => s.points.length >= 4 && Math.abs(s.points[0][0] - 29) < 0.1)
            const y = trace.points.map((p) => p[1])
            near(Math.max(...y) - Math.min(...y), gain, "height of 1 mV")
            const middle = (Math.max(...y) + Math.min(...y)) / 2
            const crossings = []
            trace.points.forEach((p, k) => {
                if (k && p[1] > middle !== y[k - 1] > middle) crossings.push((p[0] + trace.points[k - 1][0]) / 2)
            })
            near(crossings[1] - crossings[0], speed, "width of 1 s")
        })

test("a gap is not bridged", () => {
    // V6 is zero at 182.4 mm, V5 10 mm above it; both hang from their medians, 1 mV.
    const all = lines(print("band=off,layout=12x1")).filter((s) => black(s) && s.points.length > 3)
    const x0 = 11 + 18
    for (const s of all)
        for (let k = 1; k < s.points.length; k++) {
            const [a, b] = [s.points[k - 1], s.points[k]]
            const crosses = a[0] < x0 + 8.6 * 25 && b[0] > x0 + 8.9 * 25
            if (crosses && a[1] > 182) throw new Error(`a line crosses the gap of V6: ${a} ${b}`)
        }
})

test("the same record gives the same bytes", () => {
    if (!print("lang=both").equals(print("lang=both"))) throw new Error("they differ")
})

test("words of the page in Chinese and English", () => {
    if (spawnSync("pdftotext", ["-v"]).error) return "skipped"
    const out = join(folder, "words.pdf")
    print("lang=both,institution=某县人民医院,mains=50", out)
    const text = execFileSync("pdftotext", ["-layout", out, "-"]).toString()
    for (const word of ["某县人民医院", "25 mm/s", "10 mm/mV", "0.05–150 Hz", "50 Hz", "aVR", "V6", "医师签名", "机器分析仅供参考"])
        if (!text.includes(word)) throw new Error(`'${word}' is not there`)
})

test("wrong pages are refused with a sentence", () => {
    for (const page of ["speed=26", "gain=x", "layout=5x5", "nonsense", "rhythm=Q9", "band=1"]) {
        const r = spawnSync(screen, ["--12lead", join(folder, "squares"), "--pdf", join(folder, "no.pdf"), "--page", page])
        if (r.status !== 1 || !r.stderr.toString().includes("--page")) throw new Error(`${page}: ${r.status} ${r.stderr}`)
    }
})

test("every ECG file of the samples can be printed", () => {
    if (!process.env.XW_DATA) return "skipped"
    const files = ["triple/Example.scp", "triple/Example.dcm", "triple/Example.xml", "muse/example1.xml", "dicom/waveform_ecg.dcm"]
    for (const file of files) {
        const out = join(folder, "sample.pdf")
        const r = spawnSync(screen, ["--12lead", join(process.env.XW_DATA, "formats", file), "--pdf", out])
        if (r.status !== 0) throw new Error(`${file}: ${r.stderr}`)
        if (readFileSync(out).length > 300 * 1024) throw new Error(`${file}: larger than 300 kB`)
    }
})

rmSync(folder, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed ? 1 : 0)
