package org.dlbench.dl4j;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** The measured one: the plan as a ComputationGraph. */
final class Runner implements Workbench {
  private Plan plan;
  private GraphWriter.Written written;
  private ComputationGraph graph;
  private ComputationGraph probed; // made when somebody asks for gradients
  private List<DataSet> batches;
  private INDArray output;
  private Map<String, long[]> shapes = Map.of();

  @Override
  public String name() {
    return "dl4j";
  }

  @Override
  public void load(Plan loaded) {
    plan = loaded;
    written = GraphWriter.write(plan, false);
    graph = new ComputationGraph(written.configuration());
    graph.init();
    batches = new ArrayList<>();
    for (int slot = 0; slot < plan.slots; slot++) {
      INDArray image = Nd4j.create(plan.inputs.get(slot), plan.inputShape, 'c');
      batches.add(new DataSet(image, plan.training ? Losses.targets(plan, slot) : null));
    }
    reset();
  }

  @Override
  public void unload() {
    plan = null;
    written = null;
    graph = null;
    probed = null;
    batches = null;
    output = null;
    Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
  }

  @Override
  public void reset() {
    for (Map.Entry<String, float[]> entry : plan.weights.entrySet()) {
      put(graph, entry.getKey(), Nd4j.create(entry.getValue(), plan.shapes.get(entry.getKey()), 'c'));
    }
    if (plan.training && graph.getUpdater().getUpdaterStateViewArray() != null) {
      graph.getUpdater().getUpdaterStateViewArray().assign(0);
    }
  }

  /** Copies a parameter in the plan's layout into the layers that hold it. */
  private void put(ComputationGraph target, String name, INDArray value) {
    List<GraphWriter.Holder> parts = written.holders().get(name);
    long share = value.size(0) / parts.size();
    for (int i = 0; i < parts.size(); i++) {
      INDArray held = target.getLayer(parts.get(i).layer()).getParam(parts.get(i).key());
      INDArray part = parts.size() == 1 ? value : share(value, i * share, (i + 1) * share);
      held.assign(parts.get(i).layout().held(part, held.shape()));
    }
  }

  private static INDArray share(INDArray value, long from, long to) {
    return value.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(from, to)).dup('c');
  }

  /** A parameter, or its gradient, in the plan's layout from the parts that layers hold. */
  private Safetensors.Tensor gather(String name, java.util.function.Function<GraphWriter.Holder, INDArray> part, float scale) {
    List<float[]> parts = new ArrayList<>();
    int length = 0;
    for (GraphWriter.Holder holder : written.holders().get(name)) {
      parts.add(flat(holder.layout().plain(part.apply(holder))));
      length += parts.get(parts.size() - 1).length;
    }
    float[] all = new float[length];
    int at = 0;
    for (float[] values : parts) {
      for (float value : values) {
        all[at++] = value * scale;
      }
    }
    return Safetensors.Tensor.of(plan.shapes.get(name), all);
  }

  private static float[] flat(INDArray value) {
    return value.dup('c').reshape(value.length()).toFloatVector();
  }

  @Override
  public void step(int slot) {
    if (plan.training) {
      graph.fit(batches.get(slot));
    } else {
      output = graph.outputSingle(batches.get(slot).getFeatures());
    }
  }

  @Override
  public float[] last() {
    return plan.training ? new float[] {(float) graph.score()} : flat(output);
  }

  @Override
  public Map<String, Safetensors.Tensor> outputs(int slot) {
    INDArray[] input = {batches.get(slot).getFeatures()};
    Map<String, INDArray> seen = graph.feedForward(input, plan.training);
    shapes = new LinkedHashMap<>();
    for (Plan.Node node : plan.nodes) {
      shapes.put(node.name(), seen.get(written.vertices().get(node.output())).shape());
    }
    Map<String, Safetensors.Tensor> out = new LinkedHashMap<>();
    for (String name : plan.outputs) {
      INDArray value = seen.get(written.vertices().get(name));
      out.put(name, Safetensors.Tensor.of(value.shape(), flat(value)));
    }
    return out;
  }

  @Override
  public Map<String, Safetensors.Tensor> gradients(int slot) {
    if (probed == null) {
      probed = new ComputationGraph(GraphWriter.write(plan, true).configuration());
      probed.init();
    }
    // Layer by layer: the order in which a graph flattens its layers is its own.
    written.holders().values().stream().flatMap(List::stream).forEach(holder ->
        probed.getLayer(holder.layer()).getParam(holder.key()).assign(graph.getLayer(holder.layer()).getParam(holder.key())));
    probed.setInput(0, batches.get(slot).getFeatures());
    probed.setLabel(0, batches.get(slot).getLabels());
    probed.computeGradientAndScore();
    Map<String, INDArray> found = probed.gradient().gradientForVariable();
    float share = 1f / plan.batch; // DL4J sums over the batch and divides in the updater
    Map<String, Safetensors.Tensor> out = new LinkedHashMap<>();
    out.put("loss", Safetensors.Tensor.of(new long[] {1}, new float[] {(float) probed.score()}));
    for (String name : plan.weights.keySet()) {
      if (plan.isTrainable(name)) {
        out.put(name, gather(name, holder -> found.get(holder.layer() + "_" + holder.key()), share));
      }
    }
    INDArray input = ((Probe.Vertex) probed.getVertex(GraphWriter.PROBE)).seen();
    float[] values = flat(input);
    for (int i = 0; i < values.length; i++) {
      values[i] *= share;
    }
    out.put("input", Safetensors.Tensor.of(plan.inputShape, values));
    return out;
  }

  @Override
  public Map<String, Safetensors.Tensor> state() {
    Map<String, Safetensors.Tensor> out = new LinkedHashMap<>();
    for (String name : plan.weights.keySet()) {
      out.put(name, gather(name, holder -> graph.getLayer(holder.layer()).getParam(holder.key()), 1));
    }
    return out;
  }

  @Override
  public Map<String, long[]> shapes() {
    return shapes;
  }
}
