{{- define "cluster.name" -}}
{{- if gt (len .Release.Name) 40 }}
{{- fail (printf "the release's name is the cluster's and must have at most 40 characters; %s has %d" .Release.Name (len .Release.Name)) }}
{{- end }}
{{- .Release.Name }}
{{- end }}

{{- /* A value as the text that was meant: helm reads numbers as floats, which it prints as 1e+06. */}}
{{- define "cluster.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}

{{- define "cluster.labels" -}}
cluster.x-k8s.io/cluster-name: {{ include "cluster.name" . | quote }}
{{- end }}

{{- define "cluster.version" -}}
v{{ trimPrefix "v" . }}
{{- end }}

{{- define "cluster.nodeVersion" -}}
{{ include "cluster.version" (default .Values.kubernetesVersion .Values.nodeKubernetesVersion) }}
{{- end }}

{{- /* The groups as JSON: what is given, or one group with one node. */}}
{{- define "cluster.nodeGroups" -}}
{{- $groups := dict }}
{{- range $name, $group := .Values.nodeGroups }}
{{- if not (kindIs "invalid" $group) }}{{ $_ := set $groups $name $group }}{{ end }}
{{- end }}
{{- if empty .Values.nodeGroups }}{{ $_ := set $groups "md-0" (dict "replicas" 1) }}{{ end }}
{{- toJson $groups }}
{{- end }}

{{- /* toYaml puts quotes only around what needs them: another text is another name of the template, for which all machines
  would be replaced. */}}
{{- define "cluster.machine" -}}
{{- $memory := .group.memory | default "2Gi" }}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $number := regexFind "^[0-9.]+" $memory }}
{{- if lt (mulf $number (get $units (trimPrefix $number $memory))) 1073741824.0 }}
{{- fail (printf "nodeGroups.%s.memory: a node needs at least 1Gi, not %s" .name $memory) }}
{{- end }}
virtualMachineBootstrapCheck:
  checkStrategy: none
virtualMachineTemplate:
  metadata:
    namespace: {{ toYaml .namespace }}
  spec:
    {{- /* A machine that ends has lost its disk: it is replaced, not started again. */}}
    runStrategy: Once
    template:
      {{- with .group.disk }}
      metadata:
        annotations:
          nestor.dev/root-disk-size: {{ . | quote }}
      {{- end }}
      spec:
        {{- with .group.nodeSelector }}
        nodeSelector: {{- toYaml . | nindent 10 }}
        {{- end }}
        domain:
          cpu:
            cores: {{ .group.cpu | default 2 }}
          memory:
            guest: {{ $memory | quote }}
          devices:
            networkInterfaceMultiqueue: true
            interfaces:
              - name: default
                bridge: {}
            disks:
              - name: containervolume
                disk:
                  bus: virtio
        evictionStrategy: External
        networks:
          - name: default
            pod: {}
        volumes:
          - name: containervolume
            containerDisk:
              image: {{ .group.image | default (printf "nestor.dev/worker:%s" .version) | toYaml }}
{{- end }}

{{- /* Who gives a group's labels to its Nodes, as JSON: `machine`, those that go on from the Machine to its Node, or
  `kubelet`, which refuses to start with others of Kubernetes' own than these. */}}
{{- define "cluster.nodeLabels" -}}
{{- $machine := dict }}
{{- $kubelet := dict }}
{{- range $key, $value := .group.labels }}
{{- if regexMatch "^(node-role\\.kubernetes\\.io|([^/]+\\.)?(node-restriction\\.kubernetes\\.io|node\\.cluster\\.x-k8s\\.io))/" $key }}
{{- $_ := set $machine $key $value }}
{{- else if and (regexMatch "^([^/]+\\.)?(kubernetes|k8s)\\.io/" $key) (not (regexMatch "^(([^/]+\\.)?(node|kubelet)\\.kubernetes\\.io/|(topology|failure-domain\\.beta)\\.kubernetes\\.io/(region|zone)$|(beta\\.)?kubernetes\\.io/(arch|os)$|kubernetes\\.io/hostname$|beta\\.kubernetes\\.io/instance-type$)" $key)) }}
{{- fail (printf "nodeGroups.%s.labels: the kubelet refuses %s: take a domain of your own" $.name $key) }}
{{- else }}
{{- $_ := set $kubelet $key $value }}
{{- end }}
{{- end }}
{{- toJson (dict "machine" $machine "kubelet" $kubelet) }}
{{- end }}

{{- define "cluster.join" -}}
{{- $arguments := list }}
{{- if .labels }}
{{- $labels := list }}
{{- range $key, $value := .labels }}{{ $labels = append $labels (printf "%s=%v" $key $value) }}{{ end }}
{{- $arguments = append $arguments (dict "name" "node-labels" "value" (join "," $labels)) }}
{{- end }}
{{- range $name, $value := .group.kubeletArgs }}
{{- $arguments = append $arguments (dict "name" $name "value" (include "cluster.text" $value)) }}
{{- end }}
joinConfiguration:
  nodeRegistration:
    criSocket: /var/run/containerd/containerd.sock
    {{- with $arguments }}
    kubeletExtraArgs: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .group.taints }}
    taints: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- with .group.preKubeadmCommands }}
preKubeadmCommands: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .group.postKubeadmCommands }}
postKubeadmCommands: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* spec.replicas and the annotations about it, as YAML with keys `annotations` and `replicas`.
  Whoever changes the number in the cluster (the autoscaler, `nestor scale`, kubectl) must find it
  unchanged after an upgrade of this release:
  - min and max: the field is not written at all. The controllers begin with min.
  - replicas: written again only when the chart's value has changed; else the number that is there.
  - from replicas to min and max: the field stays what it was in the release before. Leaving it out
    would remove it from the object. */}}
{{- define "cluster.replicas" -}}
{{- $live := lookup "cluster.x-k8s.io/v1beta2" "MachineDeployment" .namespace .name | default dict }}
{{- $before := dig "metadata" "annotations" dict $live }}
{{- $asked := "nestor.dev/chart-replicas" }}
{{- $written := "nestor.dev/rendered-replicas" }}
{{- $annotations := dict }}
{{- $out := dict }}
{{- if hasKey .group "min" }}
{{- $_ := set $annotations "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size" (toString .group.min) }}
{{- $_ := set $annotations "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size" (toString .group.max) }}
{{- if hasKey $before $written }}
{{- $_ := set $annotations $written (get $before $written) }}
{{- $_ := set $out "replicas" (get $before $written | int) }}
{{- end }}
{{- else }}
{{- $replicas := ternary .group.replicas 1 (hasKey .group "replicas") | int }}
{{- $_ := set $annotations $asked (toString $replicas) }}
{{- if eq (get $before $asked) (toString $replicas) }}
{{- $replicas = dig "spec" "replicas" $replicas $live | int }}
{{- end }}
{{- $_ := set $annotations $written (toString $replicas) }}
{{- $_ := set $out "replicas" $replicas }}
{{- end }}
{{- toYaml (set $out "annotations" $annotations) }}
{{- end }}

{{- /* Of a group's MachineDeployment: its own win over those that are made here. Of a group that may have no
  nodes, what it cannot show then: not CPU, memory and disk, which are in the status of its machine template;
  annotations would stand for what pods get, which is less. */}}
{{- define "cluster.groupAnnotations" -}}
{{- $group := .group }}
{{- $out := default dict .count.annotations }}
{{- if hasKey $group "min" }}
{{- $capacity := "capacity.cluster-autoscaler.kubernetes.io/" }}
{{- /* As many disks as `nestor csi-node` lets a node have. */}}
{{- if .values.storage.enabled }}{{ $_ := set $out (print $capacity "csi-driver") "csi.kubevirt.io=64" }}{{ end }}
{{- with $group.labels }}
{{- $pairs := list }}
{{- range $k, $v := . }}{{ $pairs = append $pairs (printf "%s=%v" $k $v) }}{{ end }}
{{- $_ := set $out (print $capacity "labels") (join "," $pairs) }}
{{- end }}
{{- with $group.taints }}
{{- $marks := list }}
{{- range . }}{{ $marks = append $marks (printf "%s=%s:%s" .key (default "" .value) .effect) }}{{ end }}
{{- $_ := set $out (print $capacity "taints") (join "," $marks) }}
{{- end }}
{{- range $option, $value := $group.autoscaling }}
{{- $_ := set $out (printf "cluster.x-k8s.io/autoscaling-options-%s" (lower $option)) (include "cluster.text" $value) }}
{{- end }}
{{- end }}
{{- toYaml (mergeOverwrite $out (default dict $group.annotations)) }}
{{- end }}
