{{- define "nestor.labels" -}}
app.kubernetes.io/name: nestor
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- define "nestor.selector" -}}
app.kubernetes.io/name: nestor
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}
